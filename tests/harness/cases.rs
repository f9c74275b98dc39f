//! Several cases over one gateway, in turn: starting a gateway takes longer than most cases.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use anyhow::{Context, Result, bail, ensure};
use futures::FutureExt;

use crate::gateway::Gateway;

/// Runs functions from `&Gateway` to `Result<()>` over one gateway, and ends it. All run; those that
/// fail are listed by name.
#[macro_export]
macro_rules! run_cases {
    ($gateway:expr; $($case:ident),+ $(,)?) => {{
        let mut cases = $crate::Cases::over($gateway);
        $(cases.run(stringify!($case), async |gateway| $case(gateway).await).await?;)+
        cases.finish().await
    }};
}

/// The cases that have run over a gateway. Use [`run_cases!`].
pub struct Cases {
    gateway: Gateway,
    failures: Vec<String>,
}

impl Cases {
    /// None yet.
    pub const fn over(gateway: Gateway) -> Self {
        Self {
            gateway,
            failures: Vec::new(),
        }
    }

    /// Runs a case with merchants of its own, after everything that the one before has left to do.
    pub async fn run(
        &mut self,
        name: &str,
        case: impl AsyncFnOnce(&Gateway) -> Result<()>,
    ) -> Result<()> {
        let ready = self.gateway.begin_case().await;
        ready.with_context(|| format!("before {name}; failed: {:#?}", self.failures))?;
        let outcome = AssertUnwindSafe(case(&self.gateway)).catch_unwind().await;
        let failure = match outcome {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => format!("{error:?}"),
            Err(panic) => panic_message(panic.as_ref()).to_owned(),
        };
        eprintln!("case {name} failed");
        self.failures.push(format!("{name}: {failure}"));
        Ok(())
    }

    /// Ends the gateway like [`Gateway::finish`].
    pub async fn finish(self) -> Result<()> {
        if !self.failures.is_empty() {
            bail!("failed cases:\n{}", self.failures.join("\n"));
        }
        self.gateway.finish().await
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message")
}

/// What was there before a case began.
#[derive(Debug, Default)]
pub(crate) struct Before {
    /// Lines of the acquirer's log.
    pub(crate) acquirer: usize,
    /// Rows of each table in [`WRITTEN`].
    rows: BTreeMap<&'static str, usize>,
}

/// Tables that a request may write; not those of the merchants and the counters of requests.
const WRITTEN: [&str; 13] = [
    "authorizations",
    "customers",
    "deliveries",
    "events",
    "idempotency_keys",
    "intents",
    "jobs",
    "ledger_entries",
    "ledger_postings",
    "payment_history",
    "payments",
    "sealed_cards",
    "webhook_endpoints",
];

impl Gateway {
    /// Waits for work of the case before, and starts with new merchants and counters.
    async fn begin_case(&mut self) -> Result<()> {
        self.drain().await?;
        self.renew_merchants().await?;
        self.forget_counts().await?;
        self.before_case = Before {
            acquirer: self.sandbox_log()?.len() + self.before_case.acquirer,
            rows: self.totals().await?,
        };
        Ok(())
    }

    /// How many rows a table has, without those that it had when the case began.
    pub async fn count(&self, table: &str) -> Result<usize> {
        let before = self
            .before_case
            .rows
            .get(table)
            .copied()
            .unwrap_or_default();
        let total = self.total(table).await?;
        let count = total.checked_sub(before);
        count.with_context(|| format!("{table} had {before} rows and has {total}"))
    }

    /// Checks that nothing was stored since the case began, but for merchants and the counters of
    /// requests.
    pub async fn check_nothing_stored(&self) -> Result<()> {
        for table in WRITTEN {
            let count = self.count(table).await?;
            ensure!(count == 0, "{table} has {count} more rows");
        }
        Ok(())
    }

    async fn totals(&self) -> Result<BTreeMap<&'static str, usize>> {
        let mut totals = BTreeMap::new();
        for table in WRITTEN {
            totals.insert(table, self.total(table).await?);
        }
        Ok(totals)
    }
}
