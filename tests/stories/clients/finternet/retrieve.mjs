const response = await fetch(
`https://api.finternet.com/v1/payment-intents/${intentId}`,
{
headers: {
'X-API-Key': process.env.FINTERNET_API_KEY,
},
}
);
const paymentIntent = await response.json();
console.log(paymentIntent.data.status);
