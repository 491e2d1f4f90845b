// How the peers on Node check who comes. Throws if the token is not good.
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import jwt from "jsonwebtoken";

const publicKey = createPublicKey(readFileSync(process.env.BENCH_PUBLIC_KEY));

export function userOf(token) {
  return jwt.verify(token ?? "", publicKey, { algorithms: ["ES256"], audience: "gameroom", issuer: "gameroom" }).sub;
}
