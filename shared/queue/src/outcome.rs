//! Records the outcome of each message and then acknowledges it, however its handler ended.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use domain::job::{Job, Outcome};
use futures::future::BoxFuture;
use tower_layer::Layer;
use tower_service::Service;
use uuid::Uuid;

use crate::acks::Ack;

/// A consumed message: the argument of a handler.
#[derive(Debug, Clone)]
pub struct JobMessage {
    /// The job.
    pub job: Job,
    /// The queue of the API process that waits for the result.
    pub reply_to: Option<Arc<str>>,
    /// A fresh id, to name the claim that handling this message makes.
    pub claim: Uuid,
    /// When it arrived.
    pub received_at: Instant,
    ack: Option<Ack>,
}

impl JobMessage {
    /// A message without a broker, for calling a handler directly.
    pub fn new(job: Job, reply_to: Option<Arc<str>>) -> JobMessage {
        JobMessage {
            job,
            reply_to,
            claim: Uuid::now_v7(),
            received_at: Instant::now(),
            ack: None,
        }
    }

    pub(crate) fn acked_by(self, ack: Ack) -> JobMessage {
        JobMessage {
            ack: Some(ack),
            ..self
        }
    }

    /// Whether its channel has closed. The broker will redeliver it, so handling it now is wasted.
    pub(crate) fn is_stale(&self) -> bool {
        self.ack.as_ref().is_some_and(Ack::is_stale)
    }
}

/// Stores the outcome of a message.
pub trait RecordOutcome: Clone + Send + Sync + 'static {
    /// Records the outcome; the message is acked soon after this returns. An `Err` holds the text of
    /// a handler's error, timeout or panic. While this waits (for example for Postgres) the message
    /// stays unacked; when the prefetch is exhausted, the broker sends no more.
    fn record_outcome(
        &self,
        message: &JobMessage,
        result: Result<Outcome, String>,
    ) -> impl Future<Output = ()> + Send;
}

/// The outermost layer of a worker: every message passes through it and gets an outcome.
#[derive(Debug, Clone)]
pub struct OutcomeLayer<S> {
    pub(crate) recorder: S,
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

/// A worker's service wrapped in an [`OutcomeLayer`].
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
        let OutcomeLayer { recorder } = self.layer.clone();
        let mut message = task.args.clone();
        let handling = self.inner.call(task);
        Box::pin(async move {
            let result = handling.await.map_err(|error| error_chain(&*error.into()));
            recorder.record_outcome(&message, result).await;
            if let Some(ack) = message.ack.take() {
                ack.schedule();
            }
            Ok(())
        })
    }
}

/// An error with its causes. A cause that the text contains already is left out: some errors print
/// their cause themselves.
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

    struct Handler(Option<Result<Outcome, BoxDynError>>);

    impl Service<Task<JobMessage>> for Handler {
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
    async fn every_result_is_recorded_and_none_fails_the_worker() -> Result<(), BoxDynError> {
        let recorder = Recorder::default();
        let layer = OutcomeLayer {
            recorder: recorder.clone(),
        };
        let job = Job {
            worker: Worker::Card,
            id: Uuid::from_u128(7),
            seq: 7,
        };
        let panicked: BoxDynError = AbortError::new("boom").into();
        for result in [Ok(Outcome::Done), Err("no luck".into()), Err(panicked)] {
            let mut service = layer.layer(Handler(Some(result)));
            service.call(Task::new(JobMessage::new(job, None))).await?;
        }
        let results = recorder.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = [
            Ok(Outcome::Done),
            Err("no luck".to_owned()),
            Err("AbortError: boom".to_owned()),
        ];
        assert_eq!(*results, expected);
        Ok(())
    }
}
