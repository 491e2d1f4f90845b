// A room server on Socket.IO: the token in a middleware, its rooms, acknowledgements for commands.
// It checks shapes by hand; it does not number events, remember command ids, store or limit anything.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { userOf } from "./tokens.mjs";

const boards = new Map();
const server = createServer();
const io = new Server(server, { transports: ["websocket"] });

io.use((socket, next) => {
  try {
    socket.data.user = userOf(socket.handshake.auth.token);
    next();
  } catch {
    next(new Error("bad token"));
  }
});

io.on("connection", (socket) => {
  const { user } = socket.data;
  const { room } = socket.handshake.auth;
  socket.join(room);
  if (!boards.has(room)) boards.set(room, { cells: Array(9).fill(0), turn: 0 });
  const board = boards.get(room);
  socket.on("say", ({ text }) => {
    if (typeof text === "string" && text.length <= 1000) io.to(room).emit("said", { room, user, text });
  });
  socket.on("place", ({ id, cell }, answer) => {
    if (typeof id !== "string" || !Number.isInteger(cell) || cell < 0 || cell > 8) return;
    board.cells[cell] += 1;
    board.turn += 1;
    answer({ id, cell, turn: board.turn });
  });
});

server.listen(Number(process.argv[2]), "127.0.0.1");
