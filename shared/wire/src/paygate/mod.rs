//! paygate, the generic payment gateway API: integer amounts in minor units, times in Unix seconds,
//! and declined payments with status `failed`.

pub mod error;
pub mod request;
pub mod response;
pub mod webhook;
