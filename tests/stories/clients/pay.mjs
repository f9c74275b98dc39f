// S001's payment with fetch: node pay.mjs URL KEY < body
import { readFileSync } from "node:fs";

const [url, key] = process.argv.slice(2);
const response = await fetch(url, {
  method: "POST",
  headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
  body: readFileSync(0, "utf8"),
});
console.log(JSON.stringify({ status: response.status, body: await response.json() }));
