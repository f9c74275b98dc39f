//! The one table of all metrics. `deploy/docs/metrics.md` is generated from it.

use super::{About, Counter, Gauge, Histogram, Metric};

/// All processes with a database and a broker.
const EVERY: &str = "api, workers";
/// The workers with a queue.
const WORKERS: &str = "card, refund, webhook";
/// The workers that call acquirers.
const ACQUIRING: &str = "card, refund";
/// Measured in the database, so the same in each scheduler.
const SCHEDULER: &str = "scheduler";

macro_rules! metrics {
    ($(
        $metric:ident: $kind:ident = $name:literal [$($label:literal),*]
        in $unit:literal by $processes:expr, $help:literal;
    )*) => {
        $(
            #[doc = $help]
            pub static $metric: $kind<{ const LABELS: &[&str] = &[$($label),*]; LABELS.len() }> = $kind::new(
                [$($label),*],
                About { name: $name, unit: $unit, processes: $processes, help: $help },
            );
        )*

        /// All metrics.
        pub static ALL: &[&dyn Metric] = &[$(&$metric),*];
    };
}

metrics! {
    JOBS_WAITING: Gauge = "sluice_jobs_waiting" ["worker", "mode"] in "jobs" by SCHEDULER,
        "Jobs that are due and that no worker has claimed, those in the queue included; 100000 means at least as many.";
    JOBS_OLDEST_WAITING: Gauge = "sluice_jobs_oldest_waiting_seconds" ["worker", "mode"] in "seconds" by SCHEDULER,
        "How long the oldest waiting job has waited; 0 if none waits.";
    JOBS_BACKLOG: Gauge = "sluice_jobs_backlog_seconds" ["worker", "mode"] in "seconds" by SCHEDULER,
        "How long until no job waits, if their number goes on falling as in the last ten seconds; 0 if none waits, +Inf while it does not fall.";
    JOBS_PARKED: Gauge = "sluice_jobs_parked" ["worker", "mode"] in "jobs" by SCHEDULER,
        "Parked jobs: only an operator can help. 100000 means at least as many.";
    QUEUE_MESSAGES: Gauge = "sluice_queue_messages" ["worker"] in "messages" by SCHEDULER,
        "Messages that wait in the worker's queue; missing while the broker is unreachable.";
    IN_PROGRESS_OLDEST: Gauge = "sluice_in_progress_oldest_seconds" ["object"] in "seconds" by SCHEDULER,
        "Age of the oldest payment, refund or delivery in progress, of the 10000 whose jobs are due first; 0 if there is none.";
    IN_PROGRESS_BOUND: Gauge = "sluice_in_progress_bound_seconds" ["object"] in "seconds" by SCHEDULER,
        "How long a payment, refund or delivery may be in progress; sluice verify reports an older one.";
    VERIFY_DIFFERENCES: Gauge = "sluice_verify_differences" [] in "differences" by SCHEDULER,
        "What the last run of sluice verify found; missing before the first run.";
    VERIFY_LAST_RUN: Gauge = "sluice_verify_last_run_timestamp_seconds" [] in "Unix time" by SCHEDULER,
        "When the last run of sluice verify ended; missing before the first run.";
    MEASURED: Gauge = "sluice_measured_timestamp_seconds" [] in "Unix time" by SCHEDULER,
        "When the scheduler last measured jobs, objects in progress and the result of sluice verify.";
    JOBS: Counter = "sluice_jobs_total" ["worker", "outcome"] in "messages" by WORKERS,
        "Messages of jobs by outcome: done, also if nothing was left to do; rescheduled, to wait or to try again; failed, retried after a backoff; parked.";
    JOB_DURATION: Histogram = "sluice_job_duration_seconds" ["worker"] in "seconds" by WORKERS,
        "From a message's arrival at the worker until its outcome is recorded.";
    ACQUIRER_CALLS: Counter = "sluice_acquirer_calls_total" ["acquirer", "operation", "outcome"] in "calls" by ACQUIRING,
        "Calls of acquirers by what they answered; unknown is no clear answer.";
    ACQUIRER_CALL_DURATION: Histogram = "sluice_acquirer_call_duration_seconds" ["acquirer", "operation"] in "seconds" by ACQUIRING,
        "How long an acquirer takes to answer.";
    WEBHOOK_ATTEMPTS: Counter = "sluice_webhook_attempts_total" ["endpoint", "outcome"] in "attempts" by "webhook",
        "Attempts to deliver webhooks by outcome: the class of the status, timeout, connect (no connection), broken (the connection broke), or blocked (the address is not allowed). The endpoint is healthy if it accepted the attempt before, otherwise failing.";
    WEBHOOK_ATTEMPT_DURATION: Histogram = "sluice_webhook_attempt_duration_seconds" ["endpoint"] in "seconds" by "webhook",
        "How long an endpoint takes to answer.";
    API_REQUESTS: Counter = "sluice_api_requests_total" ["surface", "method", "route", "status"] in "requests" by "api",
        "Answered requests by surface (none: pages, documents and health), template of the path (unmatched: no such path) and class of the status.";
    API_REQUEST_DURATION: Histogram = "sluice_api_request_duration_seconds" ["surface", "method", "route"] in "seconds" by "api",
        "From a request's head until its response is ready, the wait for a payment's outcome included.";
    DATABASE_CONNECTIONS: Gauge = "sluice_database_connections" ["pool", "state"] in "connections" by EVERY,
        "Open connections to Postgres, used or idle. Those that run one kind of statement stay used.";
    DATABASE_CONNECTIONS_MAX: Gauge = "sluice_database_connections_max" ["pool"] in "connections" by EVERY,
        "How many connections to Postgres the pool may open.";
    DATABASE_WAITS: Counter = "sluice_database_connection_waits_total" [] in "waits" by EVERY,
        "How often something waited for more than 20 ms for a connection to Postgres.";
    BROKER_CONNECTED: Gauge = "sluice_broker_connected" ["connection"] in "0 or 1" by EVERY,
        "Whether the connection to RabbitMQ works: publisher, consumer or replies.";
    MESSAGES_DROPPED: Counter = "sluice_messages_dropped_total" [] in "messages" by EVERY,
        "Jobs and replies that were not published: no connection, a full buffer or queue, or a merchant that has its share of a long queue. The scheduler publishes such jobs when they are due.";
    MESSAGES_UNDECODABLE: Counter = "sluice_messages_undecodable_total" [] in "messages" by WORKERS,
        "Messages that are not a job of the worker. They are discarded.";
}
