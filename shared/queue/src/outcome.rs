//! What becomes of a delivery once its handler has ended, in whatever way.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use domain::job::{Job, Outcome};
use futures::future::BoxFuture;
use lapin::Acker;
use tower_layer::Layer;
use tower_service::Service;

use crate::acks::Acks;

/// A ring that was heard: what a handler is given.
#[derive(Debug, Clone)]
pub struct JobMessage {
    /// Who must act on what.
    pub job: Job,
    /// The queue of whoever waits for the result.
    pub reply_to: Option<Arc<str>>,
    acker: Option<Arc<Acker>>,
}

impl JobMessage {
    /// A delivery that no broker knows of, for calling a handler by hand.
    #[must_use]
    pub fn new(job: Job, reply_to: Option<Arc<str>>) -> JobMessage {
        JobMessage {
            job,
            reply_to,
            acker: None,
        }
    }

    pub(crate) fn acked_by(self, acker: Acker) -> JobMessage {
        JobMessage {
            acker: Some(Arc::new(acker)),
            ..self
        }
    }

    /// Whether its session has ended: then it comes again, and need not be worked on now.
    pub(crate) fn is_stale(&self) -> bool {
        self.acker.as_deref().is_some_and(Acker::poisoned)
    }
}

/// Writes down how a delivery ended.
pub trait RecordOutcome: Clone + Send + Sync + 'static {
    /// Settles a delivery; it is acked soon after this returns. An `Err` holds what a handler, its
    /// timeout or its panic had to say. While this waits (for Postgres, say) its delivery stays
    /// unacked, and once the prefetch is used up the queue waits with it.
    fn record_outcome(
        &self,
        message: &JobMessage,
        result: Result<Outcome, String>,
    ) -> impl Future<Output = ()> + Send;
}

/// The outermost layer of a worker: no delivery leaves it unsettled.
#[derive(Debug, Clone)]
pub struct OutcomeLayer<S> {
    pub(crate) recorder: S,
    pub(crate) acks: Acks,
}

impl<S: Clone, I> Layer<I> for OutcomeLayer<S> {
    type Service = OutcomeService<S, I>;

    fn layer(&self, inner: I) -> Self::Service {
        OutcomeService {
            layer: self.clone(),
            inner,
        }
    }
}

/// A worker's service with its [`SettleLayer`] around it.
#[derive(Debug, Clone)]
pub struct OutcomeService<S, I> {
    layer: OutcomeLayer<S>,
    inner: I,
}

impl<S, I> Service<Task<JobMessage>> for OutcomeService<S, I>
where
    S: RecordOutcome,
    I: Service<Task<JobMessage>, Response = Outcome>,
    I::Error: Into<BoxDynError>,
    I::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<JobMessage>) -> Self::Future {
        let OutcomeLayer { recorder, acks } = self.layer.clone();
        let mut message = task.args.clone();
        let working = self.inner.call(task);
        Box::pin(async move {
            let result = working.await.map_err(|error| error_chain(&*error.into()));
            recorder.record_outcome(&message, result).await;
            if let Some(acker) = message.acker.take() {
                acks.push(acker);
            }
            Ok(())
        })
    }
}

/// An error with its causes, each told once: some print their cause themselves.
fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut error_chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        if !error_chain.contains(&cause_text) {
            error_chain.push_str(": ");
            error_chain.push_str(&cause_text);
        }
        cause = error.source();
    }
    error_chain
}

#[cfg(test)]
mod tests {
    use super::*;
    use apalis_core::error::AbortError;
    use domain::job::Worker;
    use std::future::{Ready, ready};
    use std::sync::{Mutex, PoisonError};
    use uuid::Uuid;

    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<Result<Outcome, String>>>>);

    impl RecordOutcome for Recorder {
        async fn record_outcome(&self, _: &JobMessage, result: Result<Outcome, String>) {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(result);
        }
    }

    struct Ending(Option<Result<Outcome, BoxDynError>>);

    impl Service<Task<JobMessage>> for Ending {
        type Response = Outcome;
        type Error = BoxDynError;
        type Future = Ready<Result<Outcome, BoxDynError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Task<JobMessage>) -> Self::Future {
            ready(self.0.take().unwrap_or_else(|| Err("called twice".into())))
        }
    }

    #[tokio::test]
    async fn every_ending_is_settled_and_none_is_the_workers_error() -> Result<(), BoxDynError> {
        let recorder = Recorder::default();
        let layer = OutcomeLayer {
            recorder: recorder.clone(),
            acks: Acks::new(1, crate::Health::default()),
        };
        let job = Job {
            worker: Worker::Card,
            id: Uuid::from_u128(7),
            seq: 7,
        };
        let panicked: BoxDynError = AbortError::new("boom").into();
        for ending in [Ok(Outcome::Done), Err("no luck".into()), Err(panicked)] {
            let mut service = layer.layer(Ending(Some(ending)));
            service.call(Task::new(JobMessage::new(job, None))).await?;
        }
        let recorded = recorder.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = [
            Ok(Outcome::Done),
            Err("no luck".to_owned()),
            Err("AbortError: boom".to_owned()),
        ];
        assert_eq!(*recorded, expected);
        Ok(())
    }
}
