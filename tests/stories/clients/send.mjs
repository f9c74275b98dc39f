// Sends the request that stands in an .http file with fetch, as send.sh does with curl.
import { readFileSync } from "node:fs";

const [head, body] = readFileSync(0, "utf8").split("\n\n");
const [first, ...lines] = head.trimEnd().split("\n");
const [method, url] = first.split(" ");
const headers = lines.map((line) => line.split(": "));
const response = await fetch(url, { method, headers, body });
console.log(await response.text());
console.log(response.status);
