const response = await fetch('https://api.paymentgateway.com/v1/auth/token', {
method: 'POST',
headers: {
'Content-Type': 'application/json'
},
body: JSON.stringify({
client_id: 'your_client_id',
client_secret: 'your_client_secret'
})
});
const data = await response.json();
console.log(data.access_token);
