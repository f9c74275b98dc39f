//! The health of an endpoint: the same facts on every surface, with its own names and times.

/// Defines a surface's fields about the health of an endpoint. A field is absent if there is nothing to
/// say, so that an endpoint that works shows its last success only.
macro_rules! health {
    ($case:literal, $time:ty, $shown:expr) => {
        #[derive(Debug, serde::Serialize, schemars::JsonSchema)]
        #[serde(rename_all = $case)]
        struct Health<'a> {
            /// Time since when every attempt has failed. Absent if the last one succeeded.
            #[serde(skip_serializing_if = "Option::is_none")]
            failing_since: Option<$time>,
            /// Number of attempts in a row that failed. Absent if the last one succeeded.
            #[serde(skip_serializing_if = "Option::is_none")]
            failures: Option<u32>,
            /// Time until when nothing is sent. Absent if the endpoint is not paused.
            #[serde(skip_serializing_if = "Option::is_none")]
            paused_until: Option<$time>,
            /// Time of the last attempt that succeeded, exact to a minute.
            #[serde(skip_serializing_if = "Option::is_none")]
            last_success_at: Option<$time>,
            /// Why the last failed attempt failed.
            #[serde(skip_serializing_if = "Option::is_none")]
            last_error: Option<&'a str>,
            /// Time of the last failed attempt.
            #[serde(skip_serializing_if = "Option::is_none")]
            last_error_at: Option<$time>,
            /// Why the gateway disabled the endpoint: it responded with 410 Gone, or it failed for five
            /// days. Absent if you disabled it.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(extend("enum" = domain::endpoint::DisabledReason::ALL.map(|one| one.name())))]
            disabled_reason: Option<&'static str>,
            /// Time until when the secret before the last roll signs too.
            #[serde(skip_serializing_if = "Option::is_none")]
            previous_secret_until: Option<$time>,
        }

        impl<'a> Health<'a> {
            fn of(endpoint: &'a domain::endpoint::Endpoint) -> Self {
                let health = &endpoint.health;
                Self {
                    failing_since: health.failing_since.map($shown),
                    failures: Some(health.failures).filter(|failures| *failures > 0),
                    paused_until: health.paused_until.map($shown),
                    last_success_at: health.last_success_at.map($shown),
                    last_error: health.last_error.as_deref(),
                    last_error_at: health.last_error_at.map($shown),
                    disabled_reason: health.disabled_reason.map(|reason| reason.name()),
                    previous_secret_until: endpoint.previous_secret_until.map($shown),
                }
            }
        }
    };
}

pub(crate) use health;
