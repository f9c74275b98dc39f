// Verifies a webhook with npm's standardwebhooks, and v1a with Node's own Ed25519. A changed body
// must not pass.
//
//   node verify.mjs TOOLS < {"payload", "headers", "secret", "public_key"}
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/node/`);
const { Webhook } = require("standardwebhooks");
const { payload, headers, secret, public_key } = JSON.parse(readFileSync(0, "utf8"));
const changed = payload.replace("5000", "5001");

function verifyEd25519(payload) {
  const x = Buffer.from(public_key.replace("whpk_", ""), "base64").toString("base64url");
  const key = crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${payload}`;
  const v1a = headers["webhook-signature"].split(" ").find((one) => one.startsWith("v1a,"));
  return crypto.verify(null, Buffer.from(signed), key, Buffer.from(v1a.slice(4), "base64"));
}

function passes(payload) {
  try {
    new Webhook(secret).verify(payload, headers);
    return true;
  } catch {
    return false;
  }
}

const checks = { standardwebhooks: passes, v1a: verifyEd25519 };
for (const [name, check] of Object.entries(checks)) {
  if (!check(payload)) throw new Error(`${name} refuses the webhook`);
  if (check(changed)) throw new Error(`${name} takes a changed body`);
}
console.log("verified");
