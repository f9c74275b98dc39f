//! What becomes of a delivery once its handler has ended, in whatever way.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use domain::work::{Job, Outcome};
use futures::future::BoxFuture;
use lapin::Acker;
use tower_layer::Layer;
use tower_service::Service;

use crate::acks::Acks;

/// A ring that was heard: what a handler is given.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Who must act on what.
    pub job: Job,
    /// The queue of whoever waits for the result.
    pub reply_to: Option<Arc<str>>,
    acker: Option<Arc<Acker>>,
}

impl Delivery {
    /// A delivery that no broker knows of, for calling a handler by hand.
    #[must_use]
    pub fn new(job: Job, reply_to: Option<Arc<str>>) -> Delivery {
        Delivery {
            job,
            reply_to,
            acker: None,
        }
    }

    pub(crate) fn acked_by(self, acker: Acker) -> Delivery {
        Delivery {
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
pub trait Settle: Clone + Send + Sync + 'static {
    /// Settles a delivery; it is acked soon after this returns. An `Err` holds what a handler, its
    /// timeout or its panic had to say. While this waits (for Postgres, say) its delivery stays
    /// unacked, and once the prefetch is used up the queue waits with it.
    fn settle(
        &self,
        delivery: &Delivery,
        result: Result<Outcome, String>,
    ) -> impl Future<Output = ()> + Send;
}

/// The outermost layer of a worker: no delivery leaves it unsettled.
#[derive(Debug, Clone)]
pub struct SettleLayer<S> {
    pub(crate) settle: S,
    pub(crate) acks: Acks,
}

impl<S: Clone, I> Layer<I> for SettleLayer<S> {
    type Service = SettleService<S, I>;

    fn layer(&self, inner: I) -> Self::Service {
        SettleService {
            layer: self.clone(),
            inner,
        }
    }
}

/// A worker's service with its [`SettleLayer`] around it.
#[derive(Debug, Clone)]
pub struct SettleService<S, I> {
    layer: SettleLayer<S>,
    inner: I,
}

impl<S, I> Service<Task<Delivery>> for SettleService<S, I>
where
    S: Settle,
    I: Service<Task<Delivery>, Response = Outcome>,
    I::Error: Into<BoxDynError>,
    I::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Delivery>) -> Self::Future {
        let SettleLayer { settle, acks } = self.layer.clone();
        let mut delivery = task.args.clone();
        let working = self.inner.call(task);
        Box::pin(async move {
            let result = working.await.map_err(|error| story(&*error.into()));
            settle.settle(&delivery, result).await;
            if let Some(acker) = delivery.acker.take() {
                acks.push(acker);
            }
            Ok(())
        })
    }
}

/// An error with its causes, each told once: some print their cause themselves.
fn story(error: &(dyn Error + 'static)) -> String {
    let mut story = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !story.contains(&told) {
            story.push_str(": ");
            story.push_str(&told);
        }
        cause = error.source();
    }
    story
}

#[cfg(test)]
mod tests {
    use super::*;
    use apalis_core::error::AbortError;
    use domain::work::Worker;
    use std::future::{Ready, ready};
    use std::sync::{Mutex, PoisonError};
    use uuid::Uuid;

    #[derive(Clone, Default)]
    struct Book(Arc<Mutex<Vec<Result<Outcome, String>>>>);

    impl Settle for Book {
        async fn settle(&self, _: &Delivery, result: Result<Outcome, String>) {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(result);
        }
    }

    struct Ending(Option<Result<Outcome, BoxDynError>>);

    impl Service<Task<Delivery>> for Ending {
        type Response = Outcome;
        type Error = BoxDynError;
        type Future = Ready<Result<Outcome, BoxDynError>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Task<Delivery>) -> Self::Future {
            ready(self.0.take().unwrap_or_else(|| Err("called twice".into())))
        }
    }

    #[tokio::test]
    async fn every_ending_is_settled_and_none_is_the_workers_error() -> Result<(), BoxDynError> {
        let book = Book::default();
        let layer = SettleLayer {
            settle: book.clone(),
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
            service.call(Task::new(Delivery::new(job, None))).await?;
        }
        let settled = book.0.lock().unwrap_or_else(PoisonError::into_inner);
        let expected = [
            Ok(Outcome::Done),
            Err("no luck".to_owned()),
            Err("AbortError: boom".to_owned()),
        ];
        assert_eq!(*settled, expected);
        Ok(())
    }
}
