//! The statement that moves refunds.

use domain::id::{DeliveryId, RefundId};
use domain::job::Job;
use domain::refund::State;
use serde::Serialize;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::Result;
use crate::batch::{Batch, Statement};
use crate::effects::{Deliveries, Effects};

/// A refund's move from the state that was read, with its effects. A failed refund releases its reserved
/// amount.
#[derive(Debug, Clone)]
pub struct Transition {
    /// The refund.
    pub refund_id: RefundId,
    /// The state that was read.
    pub from: State,
    /// The new state.
    pub to: State,
    /// What is written together with it.
    pub effects: Effects,
}

/// A row of the statement's input.
#[derive(Serialize)]
struct Input<'a> {
    ord: usize,
    refund_id: Uuid,
    from_state: &'static str,
    to_state: &'static str,
    releases: bool,
    effects: &'a Effects,
}

/// Writes transitions in batches: each posting locks the day's sums of the gateway's accounts until its
/// commit, so that single transactions would wait for each other's flush.
#[derive(Clone)]
pub struct Transitions(Batch<Transition>);

impl Transitions {
    /// Starts the batch's task; it ends when the last clone is dropped.
    pub fn start(db: &PgPool) -> Self {
        Self(Batch::start(db))
    }

    /// Writes a transition, in one batch with concurrent ones. Returns the jobs to publish, or `None` if
    /// another worker moved the refund first.
    pub async fn run(&self, transition: Transition) -> Result<Option<Vec<Job>>> {
        self.0.run(transition).await
    }
}

impl Statement for Transition {
    type Row = Transition;
    type Output = Option<Vec<Job>>;

    async fn run(
        db: &mut PgConnection,
        rows: &[Transition],
    ) -> Result<Vec<Option<Option<Vec<Job>>>>> {
        let input = rows.iter().enumerate().map(|(ord, row)| Input {
            ord,
            refund_id: row.refund_id.0,
            from_state: row.from.name(),
            to_state: row.to.name(),
            releases: row.to == State::Failed,
            effects: &row.effects,
        });
        let input: Vec<_> = input.collect();
        let written = sqlx::query_file!("src/refunds/transition.sql", Json(&input) as _);
        let written = written.fetch_all(db).await?;
        let mut moved = vec![false; rows.len()];
        let mut deliveries = Deliveries::default();
        for row in written {
            let ord = row.ord.and_then(|ord| usize::try_from(ord).ok());
            if let Some(one) = ord.and_then(|ord| moved.get_mut(ord)) {
                *one = true;
            }
            if let (Some(event), Some(delivery)) = (row.event_id, row.delivery_id) {
                deliveries.add(event, DeliveryId(delivery));
            }
        }
        let outputs = rows.iter().zip(moved);
        let outputs = outputs
            .map(|(row, moved)| Some(moved.then(|| deliveries.take(row.effects.event_id()))));
        Ok(outputs.collect())
    }
}
