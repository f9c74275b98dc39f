//! Measures jobs and what is in progress in the database, for the metrics. Scrapes read the last result.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use domain::job::Worker;
use domain::merchant::Mode;
use domain::{delivery, payment, refund};
use store::PgPool;
use store::measures::{self, InProgress, Jobs};
use telemetry::metrics::Level;
use telemetry::metrics::table::{
    IN_PROGRESS_BOUND, IN_PROGRESS_OLDEST, JOBS_BACKLOG, JOBS_OLDEST_WAITING, JOBS_PARKED,
    JOBS_WAITING, MEASURED, VERIFY_DIFFERENCES, VERIFY_LAST_RUN,
};
use time::OffsetDateTime;
use tokio::time::sleep;

/// The shortest and the longest wait between two measurements.
const WAIT_MIN: Duration = Duration::from_secs(2);
const WAIT_MAX: Duration = Duration::from_mins(2);
/// Measuring takes one part in this many of the time: with a large backlog it measures less often.
const TIME_SHARE: u32 = 50;
/// The time in which a backlog is seen to fall.
const WINDOW: Duration = Duration::from_secs(10);

/// Measures until the process ends.
pub async fn run(db: PgPool) {
    let mut history = History::default();
    loop {
        let started = Instant::now();
        let measured = measure(&db, &mut history).await;
        let wait = (started.elapsed() * TIME_SHARE).clamp(WAIT_MIN, WAIT_MAX);
        if let Err(error) = measured {
            tracing::warn!(%error, retry_in = ?wait, "cannot measure jobs for the metrics, will retry");
        }
        sleep(wait).await;
    }
}

async fn measure(db: &PgPool, history: &mut History) -> store::Result<()> {
    let waiting = measures::waiting(db).await?;
    let parked = measures::parked(db).await?;
    let InProgress {
        payment,
        refund,
        delivery,
    } = measures::in_progress(db).await?;
    let verified = measures::last_verified(db).await?;
    // From here on without a wait, so that a scrape sees values of one time.
    history.add(Instant::now(), &waiting);
    for (worker, mode) in pairs() {
        let labels = [worker.name(), mode.name()];
        let of = |jobs: &[Jobs]| {
            let mut jobs = jobs.iter();
            let found = jobs.find(|jobs| (jobs.worker, jobs.mode) == (worker, mode));
            found.map_or((0, Duration::ZERO), |jobs| (jobs.count, jobs.oldest))
        };
        let (count, oldest) = of(&waiting);
        JOBS_WAITING.set_count(labels, count);
        JOBS_OLDEST_WAITING.set(labels, Level::Time(oldest));
        JOBS_BACKLOG.set(labels, history.backlog(worker, mode));
        let (count, _) = of(&parked);
        JOBS_PARKED.set_count(labels, count);
    }
    for (object, age, bound) in [
        ("payment", payment, payment::IN_PROGRESS_MAX),
        ("refund", refund, refund::IN_PROGRESS_MAX),
        ("delivery", delivery, delivery::IN_PROGRESS_MAX),
    ] {
        IN_PROGRESS_OLDEST.set([object], Level::Time(age));
        IN_PROGRESS_BOUND.set([object], Level::Time(bound));
    }
    if let Some(verified) = verified {
        VERIFY_DIFFERENCES.set_count([], verified.differences);
        VERIFY_LAST_RUN.set_count([], verified.finished_at);
    }
    let now = OffsetDateTime::now_utc().unix_timestamp();
    MEASURED.set_count([], now.try_into().unwrap_or_default());
    Ok(())
}

fn pairs() -> impl Iterator<Item = (Worker, Mode)> {
    let modes = [Mode::Test, Mode::Live];
    let workers = Worker::ALL.into_iter();
    workers.flat_map(move |worker| modes.map(|mode| (worker, mode)))
}

type Counts = HashMap<(Worker, Mode), u64>;

/// How many jobs waited in the last [`WINDOW`], oldest first.
#[derive(Debug, Default)]
struct History(VecDeque<(Instant, Counts)>);

impl History {
    fn add(&mut self, now: Instant, waiting: &[Jobs]) {
        let counts = waiting
            .iter()
            .map(|jobs| ((jobs.worker, jobs.mode), jobs.count));
        self.0.push_back((now, counts.collect()));
        // One that is older than the window stays, to compare with.
        while self.0.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.0.pop_front();
        }
    }

    /// How long until no job waits, if their number goes on falling as it has since the oldest entry.
    fn backlog(&self, worker: Worker, mode: Mode) -> Level {
        let (Some((first, before)), Some((last, now))) = (self.0.front(), self.0.back()) else {
            return Level::Endless;
        };
        let count = |counts: &Counts| counts.get(&(worker, mode)).copied().unwrap_or_default();
        let (before, now) = (count(before), count(now));
        measures::backlog(before, now, *last - *first).map_or(Level::Endless, Level::Time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn history(counts: &[(u32, u64)]) -> History {
        let (start, mut history) = (Instant::now(), History::default());
        for (second, count) in counts {
            let jobs = Jobs {
                worker: Worker::Card,
                mode: Mode::Test,
                count: *count,
                oldest: Duration::ZERO,
            };
            history.add(start + SECOND * *second, &[jobs]);
        }
        history
    }

    fn backlog(counts: &[(u32, u64)]) -> Level {
        history(counts).backlog(Worker::Card, Mode::Test)
    }

    #[test]
    fn the_backlog_is_what_waits_over_the_rate_at_which_it_falls() {
        assert_eq!(backlog(&[]), Level::Endless);
        assert_eq!(backlog(&[(0, 9)]), Level::Endless);
        assert_eq!(backlog(&[(0, 0)]), Level::Time(Duration::ZERO));
        assert_eq!(backlog(&[(0, 100), (2, 80)]), Level::Time(SECOND * 8));
        assert_eq!(backlog(&[(0, 100), (2, 100)]), Level::Endless);
        assert_eq!(backlog(&[(0, 100), (2, 120)]), Level::Endless);
        let other = history(&[(0, 100), (2, 80)]).backlog(Worker::Card, Mode::Live);
        assert_eq!(other, Level::Time(Duration::ZERO));
    }

    #[test]
    fn what_was_before_the_window_does_not_count() {
        let counts = [(0, 1_000), (5, 100), (15, 90), (16, 90)];
        assert_eq!(backlog(&counts), Level::Time(SECOND * 11 * 9));
        assert_eq!(history(&counts).0.len(), 3);
    }
}
