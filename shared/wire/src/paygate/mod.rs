//! paygate: the generic payment gateway API. Amounts are integers in minor units, times are Unix
//! seconds, declines are payments with status `failed`.

pub mod error;
pub mod request;
pub mod response;
pub mod webhook;
