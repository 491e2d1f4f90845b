// A bare room server on `ws`: the token at the handshake, rooms, JSON text, each event encoded once for all.
// It checks shapes by hand; it does not number events, remember command ids, store or limit anything.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { userOf } from "./tokens.mjs";

const rooms = new Map();
const server = createServer();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 65536 });

function enter(name, socket) {
  if (!rooms.has(name)) rooms.set(name, { members: new Set(), cells: Array(9).fill(0), turn: 0 });
  const room = rooms.get(name);
  room.members.add(socket);
  socket.on("close", () => room.members.delete(socket));
  return room;
}

function say(room, name, user, { text }) {
  if (typeof text !== "string" || text.length > 1000) return;
  const said = JSON.stringify({ type: "said", room: name, user, text });
  for (const member of room.members) member.send(said);
}

function place(room, socket, { id, cell }) {
  if (typeof id !== "string" || !Number.isInteger(cell) || cell < 0 || cell > 8) return;
  room.cells[cell] += 1;
  room.turn += 1;
  socket.send(JSON.stringify({ type: "placed", id, cell, turn: room.turn }));
}

server.on("upgrade", (request, tcp, head) => {
  let user;
  try {
    user = userOf(request.headers.authorization?.slice("Bearer ".length));
  } catch {
    tcp.end("HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n");
    return;
  }
  sockets.handleUpgrade(request, tcp, head, (socket) => {
    const name = request.url.slice(1);
    const room = enter(name, socket);
    socket.on("message", (data) => {
      const command = JSON.parse(data);
      if (command.type === "say") say(room, name, user, command);
      else if (command.type === "place") place(room, socket, command);
    });
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
