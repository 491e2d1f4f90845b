// A room of Colyseus: matchmaking over HTTP with the token (`onAuth`), then the socket with the reserved seat.
// Commands are Colyseus' own requests, validated by a Standard Schema written by hand. It does not number events,
// remember command ids, store or limit anything; no state is synchronized.
import { Room, Server } from "@colyseus/core";
import { WebSocketTransport } from "@colyseus/ws-transport";
import { userOf } from "./tokens.mjs";

function schema(isValid) {
  const validate = (value) => (isValid(value) ? { value } : { issues: [{ message: "of another shape" }] });
  return { "~standard": { version: 1, vendor: "bench", validate } };
}

const Say = schema((m) => typeof m?.text === "string" && m.text.length <= 1000);
const Place = schema((m) => typeof m?.id === "string" && Number.isInteger(m.cell) && m.cell >= 0 && m.cell <= 8);

class GameRoom extends Room {
  cells = Array(9).fill(0);
  turn = 0;

  static onAuth(token) {
    return { user: userOf(token) };
  }

  onCreate() {
    this.onMessage("say", Say, (client, { text }) => {
      this.broadcast("said", { room: this.roomId, user: client.auth.user, text });
    });
    this.onMessage("place", Place, (client, { id, cell }) => {
      this.cells[cell] += 1;
      this.turn += 1;
      return { id, cell, turn: this.turn };
    });
  }
}

const server = new Server({ greet: false, transport: new WebSocketTransport() });
server.define("game", GameRoom).filterBy(["room"]);
await server.listen(Number(process.argv[2]), "127.0.0.1");
