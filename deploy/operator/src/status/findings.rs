//! What an operator must act on.

use domain::job::Worker;
use queue::QueueStatus;
use store::jobs::WorkerLoad;

use super::Stored;
use crate::output;

/// A job that has been due for longer is overdue, in seconds. The scheduler publishes a due job at least
/// once a minute.
const OVERDUE_SECONDS: i64 = 90;

/// What was found. `None`: no address is known, so it was not checked.
pub struct Findings {
    /// The database, or why it cannot be read.
    pub stored: Result<Stored, String>,
    /// The broker's queues, or why they cannot be read.
    pub broker: Option<Result<Vec<QueueStatus>, String>>,
    /// Whether the API is ready, or why not.
    pub api: Option<Result<(), String>>,
}

/// Something that needs a person.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What to do next.
    pub next: String,
}

fn problem(what: impl Into<String>, next: impl Into<String>) -> Problem {
    Problem {
        what: what.into(),
        next: next.into(),
    }
}

/// Everything that needs a person, the cause of others first. A failing endpoint does not: its merchant
/// has to fix it.
pub fn problems(findings: &Findings) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Err(why) = &findings.stored {
        let next = "Nothing else is known until the database answers.";
        problems.push(problem(why, next));
    }
    if let Some(Err(why)) = &findings.broker {
        let next = "Is RabbitMQ running, and AMQP_URL right? Payments are accepted meanwhile, and \
                    continue when it returns.";
        problems.push(problem(why, next));
    }
    if let Some(Err(why)) = &findings.api {
        let next = "Start `api`; its log says why it is not ready.";
        problems.push(problem(format!("the API is not ready: {why}"), next));
    }
    if let Ok(stored) = &findings.stored {
        problems.extend(schema(stored));
        if stored.connections_of("scheduler").is_none() {
            let next =
                "Start `workers scheduler`: without it nothing is retried and nothing expires.";
            problems.push(problem("no scheduler is running", next));
        }
        for load in &stored.loads {
            let processes = stored.connections_of(load.worker.name());
            let processes = processes.map_or(0, |one| one.sessions);
            let queue = super::queue_of(findings, load);
            problems.extend(of_worker(load, processes, queue));
        }
    }
    problems
}

fn schema(stored: &Stored) -> Option<Problem> {
    let (database, program) = (stored.schema.database, stored.schema.program);
    let what = format!("the database has schema {database}, this program {program}");
    match database.cmp(&program) {
        std::cmp::Ordering::Less => Some(problem(what, "Run `sluice migrate`.")),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => {
            Some(problem(what, "Use the `sluice` of the version that runs."))
        }
    }
}

fn of_worker(load: &WorkerLoad, processes: i64, queue: Option<QueueStatus>) -> Vec<Problem> {
    let worker = load.worker;
    let mut problems = Vec::new();
    if processes == 0 {
        let next = format!("Start `workers {worker}`; its log says why it ended.");
        problems.push(problem(format!("no {worker} worker is running"), next));
    } else if queue.is_some_and(|queue| queue.consumers == 0) {
        let what = format!("the {worker} worker does not consume its queue");
        let next = "Its log says why it has no connection to the broker.";
        problems.push(problem(what, next));
    } else if load.oldest_due_seconds > OVERDUE_SECONDS {
        problems.push(overdue(worker, load));
    }
    if load.parked > 0 {
        let parked = output::counted(load.parked, &format!("{worker} job"));
        let be = if load.parked == 1 { "is" } else { "are" };
        let next = format!(
            "See `sluice jobs list --parked --worker {worker}`, fix the cause, then \
             `sluice jobs redrive SUBJECT`."
        );
        problems.push(problem(format!("{parked} {be} parked"), next));
    }
    problems
}

fn overdue(worker: Worker, load: &WorkerLoad) -> Problem {
    let waited = output::seconds(load.oldest_due_seconds);
    let due = output::counted(load.due, &format!("{worker} job"));
    problem(
        format!("{due} due, the oldest for {waited}"),
        format!(
            "Start another `workers {worker}`, or see why they fail: `sluice jobs list --worker {worker} --failed`."
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::status::{Connections, Schema};

    use super::*;

    fn load(worker: Worker) -> WorkerLoad {
        WorkerLoad {
            worker,
            waiting: 3,
            due: 0,
            running: 0,
            parked: 0,
            oldest_due_seconds: 0,
        }
    }

    fn healthy() -> Findings {
        let processes = ["api", "card", "refund", "scheduler", "webhook"];
        let connections = processes.map(|process| Connections {
            process: process.to_owned(),
            connections: 2,
            sessions: 1,
        });
        let queues = Worker::ALL.map(|worker| QueueStatus {
            worker,
            messages: 0,
            consumers: 1,
        });
        let stored = Stored {
            backlogs: Worker::ALL
                .map(|worker| (worker, Some(Duration::ZERO)))
                .to_vec(),
            schema: Schema {
                database: 1,
                program: 1,
            },
            connections: connections.to_vec(),
            loads: Worker::ALL.map(load).to_vec(),
            failing: (0, Vec::new()),
            proposals: 0,
        };
        Findings {
            stored: Ok(stored),
            broker: Some(Ok(queues.to_vec())),
            api: Some(Ok(())),
        }
    }

    fn whats(change: impl FnOnce(&mut Stored)) -> Vec<String> {
        let mut findings = healthy();
        findings.stored = findings.stored.map(|mut stored| {
            change(&mut stored);
            stored
        });
        let problems = problems(&findings).into_iter();
        problems.map(|problem| problem.what).collect()
    }

    #[test]
    fn what_is_healthy_needs_nobody() {
        assert_eq!(problems(&healthy()), []);
        let unchecked = Findings {
            broker: None,
            api: None,
            ..healthy()
        };
        assert_eq!(problems(&unchecked), []);
    }

    #[test]
    fn each_cause_is_named_once() {
        let parked = whats(|stored| {
            let card = stored.loads.iter_mut().take(1);
            card.for_each(|load| (load.parked, load.oldest_due_seconds) = (2, 90));
        });
        assert_eq!(parked, ["2 card jobs are parked"]);
        let overdue = whats(|stored| {
            let card = stored.loads.iter_mut().take(1);
            card.for_each(|load| (load.due, load.oldest_due_seconds) = (1, 120));
        });
        assert_eq!(overdue, ["1 card job due, the oldest for 2 min"]);
        let gone = whats(|stored| {
            stored.connections.retain(|one| one.process == "api");
            for load in &mut stored.loads {
                load.oldest_due_seconds = 1_000;
            }
        });
        let expected = [
            "no scheduler is running",
            "no card worker is running",
            "no refund worker is running",
            "no webhook worker is running",
        ];
        assert_eq!(gone, expected);
        let old = whats(|stored| stored.schema.program = 2);
        assert_eq!(old, ["the database has schema 1, this program 2"]);
    }

    #[test]
    fn stores_that_do_not_answer_are_problems() {
        let findings = Findings {
            stored: Err("no database".to_owned()),
            broker: Some(Err("no broker".to_owned())),
            api: Some(Err("no key".to_owned())),
        };
        let whats: Vec<_> = problems(&findings)
            .into_iter()
            .map(|one| one.what)
            .collect();
        let expected = ["no database", "no broker", "the API is not ready: no key"];
        assert_eq!(whats, expected);
    }
}
