//! The sandbox acquirer: called over HTTP, like any other.

use std::time::Duration;

use domain::id::{AuthorizationId, RefundId};
use domain::merchant::Mode;
use domain::money::Money;
use domain::payment::Failure;
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::{Deserialize, Serialize};
use store::payments::Approval;

use super::{
    Acquirer, Authorize, Authorized, Call, Captured, Found, Indeterminate, Refunded, Voided,
};

/// The largest response that is read.
const RESPONSE_BYTES_MAX: usize = 64 * 1024;

/// A client of `sluice-sandbox`.
pub struct Sandbox {
    base: Url,
    client: Client,
}

#[derive(Serialize)]
struct Request<'a> {
    reference: String,
    payment: String,
    amount: String,
    currency: &'static str,
    card: CardFields<'a>,
}

#[derive(Serialize)]
struct CardFields<'a> {
    number: &'a str,
    exp_month: u8,
    exp_year: u16,
    cvc: &'a str,
}

#[derive(Serialize)]
struct Amount {
    amount: String,
    currency: &'static str,
}

#[derive(Serialize)]
struct Refund {
    reference: String,
    authorization: String,
    amount: String,
    currency: &'static str,
}

/// The fields of all responses; each caller checks those that it needs.
#[derive(Deserialize)]
struct Response {
    reference: String,
    status: Status,
    code: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Status {
    Processing,
    Approved,
    Declined,
    Captured,
    Voided,
    Refunded,
}

impl Sandbox {
    pub fn new(base: &str, timeout: Duration) -> anyhow::Result<Self> {
        let client = Client::builder()
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self {
            base: Url::parse(base)?,
            client,
        })
    }

    fn url(&self, reference: AuthorizationId, action: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/authorizations/{reference}{action}"));
        url
    }

    /// Enquires after a refused capture: an earlier request whose response was lost may have captured the
    /// money already.
    async fn is_captured(
        &self,
        reference: AuthorizationId,
        money: Money,
    ) -> Result<Captured, Indeterminate> {
        match self.send_enquiry(reference, money).await? {
            Found::Captured(_) => Ok(Captured::Done),
            Found::Processing => Err(Indeterminate("the capture is not decided yet")),
            Found::Approved(_) | Found::Declined(_) | Found::Nothing => Ok(Captured::Rejected),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Indeterminate> {
        let mut response = request
            .send()
            .await
            .map_err(|_| Indeterminate("no response"))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|_| Indeterminate("the response ended early"))?
        {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > RESPONSE_BYTES_MAX {
                return Err(Indeterminate("the response is too long"));
            }
        }
        Ok((response.status(), bytes))
    }
}

/// Parses a response. One about another reference is indeterminate: it says nothing about this request.
fn read(bytes: &[u8], reference: &impl ToString) -> Result<Response, Indeterminate> {
    let response: Response =
        serde_json::from_slice(bytes).map_err(|_| Indeterminate("the response cannot be read"))?;
    if response.reference != reference.to_string() {
        return Err(Indeterminate("the response is about another reference"));
    }
    Ok(response)
}

/// Whether the response is this error of the sandbox.
fn is_error(bytes: &[u8], error: &str) -> bool {
    #[derive(Deserialize)]
    struct ErrorBody {
        error: String,
    }
    serde_json::from_slice::<ErrorBody>(bytes).is_ok_and(|refusal| refusal.error == error)
}

fn failure(code: Option<&str>) -> Failure {
    match code {
        Some("insufficient_funds") => Failure::InsufficientFunds,
        Some("expired_card") => Failure::ExpiredCard,
        _ => Failure::CardDeclined,
    }
}

/// The details of an approval. The code is cut at 64 characters, the longest that the database accepts.
fn approval(response: &Response) -> Approval {
    let code = response.code.as_deref();
    Approval {
        amount: response
            .amount
            .as_ref()
            .and_then(|amount| amount.parse().ok()),
        code: code.map(|code| code.chars().take(64).collect()),
    }
}

impl Sandbox {
    async fn send_authorization(&self, what: Authorize<'_>) -> Result<Authorized, Indeterminate> {
        let masked = what.card.masked();
        let mut url = self.base.clone();
        url.set_path("/authorizations");
        let request = self.client.post(url).json(&Request {
            reference: what.reference.to_string(),
            payment: what.payment.to_string(),
            amount: what.money.amount().to_string(),
            currency: what.money.currency().code(),
            card: CardFields {
                number: what.card.number(),
                exp_month: masked.exp_month,
                exp_year: masked.exp_year,
                cvc: what.card.cvc(),
            },
        });
        let (status, bytes) = self.send(request).await?;
        if status != StatusCode::OK {
            return Err(Indeterminate("unexpected HTTP status"));
        }
        let response = read(&bytes, &what.reference)?;
        match response.status {
            Status::Approved => Ok(Authorized::Approved(approval(&response))),
            // The reference was voided before this request arrived; an enquiry will confirm it.
            Status::Declined if response.code.as_deref() == Some("voided") => {
                Err(Indeterminate("the reference was voided"))
            }
            Status::Declined => Ok(Authorized::Declined(failure(response.code.as_deref()))),
            Status::Processing | Status::Captured | Status::Voided | Status::Refunded => {
                Err(Indeterminate("the response does not fit an authorization"))
            }
        }
    }

    async fn send_enquiry(
        &self,
        reference: AuthorizationId,
        money: Money,
    ) -> Result<Found, Indeterminate> {
        let (status, bytes) = self.send(self.client.get(self.url(reference, ""))).await?;
        match status {
            StatusCode::OK => {}
            // Only the sandbox's own 404: one from a proxy says nothing about the reference.
            StatusCode::NOT_FOUND if is_error(&bytes, "not_found") => return Ok(Found::Nothing),
            _ => return Err(Indeterminate("unexpected HTTP status")),
        }
        let response = read(&bytes, &reference)?;
        let is_ours = response.amount == Some(money.amount().to_string())
            && response.currency.as_deref() == Some(money.currency().code());
        match response.status {
            Status::Voided => Ok(Found::Nothing),
            _ if !is_ours => Err(Indeterminate("the response is about another amount")),
            Status::Processing => Ok(Found::Processing),
            Status::Approved => Ok(Found::Approved(approval(&response))),
            Status::Captured => Ok(Found::Captured(approval(&response))),
            Status::Declined if response.code.as_deref() == Some("voided") => Ok(Found::Nothing),
            Status::Declined => Ok(Found::Declined(failure(response.code.as_deref()))),
            Status::Refunded => Err(Indeterminate("the response does not fit an enquiry")),
        }
    }

    async fn send_capture(
        &self,
        reference: AuthorizationId,
        money: Money,
    ) -> Result<Captured, Indeterminate> {
        let amount = Amount {
            amount: money.amount().to_string(),
            currency: money.currency().code(),
        };
        let request = self
            .client
            .post(self.url(reference, "/capture"))
            .json(&amount);
        let (status, bytes) = self.send(request).await?;
        match status {
            StatusCode::OK if read(&bytes, &reference)?.status == Status::Captured => {
                Ok(Captured::Done)
            }
            StatusCode::CONFLICT if is_error(&bytes, "not_capturable") => {
                self.is_captured(reference, money).await
            }
            _ => Err(Indeterminate("unexpected HTTP status")),
        }
    }

    async fn send_void(&self, reference: AuthorizationId) -> Result<Voided, Indeterminate> {
        let (status, bytes) = self
            .send(self.client.post(self.url(reference, "/void")))
            .await?;
        match status {
            StatusCode::OK if read(&bytes, &reference)?.status == Status::Voided => {
                Ok(Voided::Done)
            }
            StatusCode::CONFLICT if is_error(&bytes, "already_captured") => {
                Ok(Voided::AlreadyCaptured)
            }
            _ => Err(Indeterminate("the void is not acknowledged")),
        }
    }

    async fn send_refund(
        &self,
        reference: RefundId,
        captured: AuthorizationId,
        money: Money,
    ) -> Result<Refunded, Indeterminate> {
        let mut url = self.base.clone();
        url.set_path("/refunds");
        let request = self.client.post(url).json(&Refund {
            reference: reference.to_string(),
            authorization: captured.to_string(),
            amount: money.amount().to_string(),
            currency: money.currency().code(),
        });
        let (status, bytes) = self.send(request).await?;
        let refusals = [
            "not_captured",
            "not_refundable",
            "amount_exceeded",
            "currency_differs",
        ];
        match status {
            StatusCode::OK if read(&bytes, &reference)?.status == Status::Refunded => {
                Ok(Refunded::Done)
            }
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY
                if refusals
                    .into_iter()
                    .any(|refusal| is_error(&bytes, refusal)) =>
            {
                Ok(Refunded::Rejected)
            }
            _ => Err(Indeterminate("unexpected HTTP status")),
        }
    }
}

impl Acquirer for Sandbox {
    fn takes(&self, mode: Mode) -> bool {
        mode == Mode::Test
    }

    fn authorize<'a>(&'a self, what: Authorize<'a>) -> Call<'a, Authorized> {
        Box::pin(self.send_authorization(what))
    }

    fn enquire(&self, reference: AuthorizationId, money: Money) -> Call<'_, Found> {
        Box::pin(self.send_enquiry(reference, money))
    }

    fn capture(&self, reference: AuthorizationId, money: Money) -> Call<'_, Captured> {
        Box::pin(self.send_capture(reference, money))
    }

    fn void(&self, reference: AuthorizationId) -> Call<'_, Voided> {
        Box::pin(self.send_void(reference))
    }

    fn refund(
        &self,
        reference: RefundId,
        captured: AuthorizationId,
        money: Money,
    ) -> Call<'_, Refunded> {
        Box::pin(self.send_refund(reference, captured, money))
    }
}
