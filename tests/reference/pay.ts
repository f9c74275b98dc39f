// A payment by the client that openapi-typescript and openapi-fetch make of the document:
// node pay.js URL KEY
import createClient from "openapi-fetch";
import type { components, paths } from "./paygate.js";

const [url, key] = process.argv.slice(2);
const client = createClient<paths>({
  baseUrl: url,
  headers: { Authorization: `Bearer ${key}` },
});

const { data: paid, error } = await client.POST("/v1/payments", {
  params: { header: { "Idempotency-Key": "typescript" } },
  body: {
    amount: 5000,
    currency: "USD",
    payment_method: "card",
    card: { number: "4242424242424242", exp_month: 12, exp_year: 2030, cvc: "123" },
  },
});
if (!paid) throw new Error(error.error.code);
const status: components["schemas"]["Status"] = paid.status;

const { data: read } = await client.GET("/v1/payments/{id}", { params: { path: { id: paid.id } } });
const { error: missing } = await client.GET("/v1/payments/{id}", { params: { path: { id: "none" } } });
const code = missing && "error" in missing ? missing.error.code : undefined;
console.log(JSON.stringify({ status, read: read?.status, missing: code }));
