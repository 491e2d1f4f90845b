"""All planted faults, in the order of INVARIANTS.md."""

from tests.planted import (
    faults_in_games,
    faults_in_hosting,
    faults_in_house,
    faults_in_journal,
    faults_in_keeping,
    faults_in_people,
    faults_in_postgres,
    faults_in_quiet,
    faults_in_rooms,
    faults_in_sockets,
)
from tests.planted.fault import Faults

FAULTS: Faults = {
    **faults_in_rooms.FAULTS,
    **faults_in_quiet.FAULTS,
    **faults_in_hosting.FAULTS,
    **faults_in_journal.FAULTS,
    **faults_in_keeping.FAULTS,
    **faults_in_postgres.FAULTS,
    **faults_in_sockets.FAULTS,
    **faults_in_people.FAULTS,
    **faults_in_games.FAULTS,
    **faults_in_house.FAULTS,
}
