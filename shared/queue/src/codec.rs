//! The message format of a job: `{"worker":"card","id":"…","seq":7}`.

use domain::job::{Job, Worker};
use lapin::BasicProperties;
use lapin::types::ShortString;
use serde::Deserialize;
use uuid::Uuid;

/// Why a message is not a job. The texts never quote the message, which may contain anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a JSON object of exactly `worker`, `id` and `seq`.
    #[error("the body is not a job")]
    Shape,
    /// No worker has this name.
    #[error("the job names an unknown worker")]
    Worker,
    /// Not a lower-case, hyphenated UUID.
    #[error("the job's id is not a UUID")]
    Id,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    worker: &'a str,
    id: &'a str,
    seq: i64,
}

/// The body of a job's message.
pub fn encode(job: &Job) -> String {
    let Job { worker, id, seq } = job;
    format!(r#"{{"worker":"{worker}","id":"{id}","seq":{seq}}}"#)
}

/// Parses the body of a job's message. Anything that [`encode`] does not write is rejected, except
/// whitespace and another order of fields.
pub fn decode(body: &[u8]) -> Result<Job, DecodeError> {
    let Body { worker, id, seq } = serde_json::from_slice(body).map_err(|_| DecodeError::Shape)?;
    let worker = Worker::parse(worker).ok_or(DecodeError::Worker)?;
    let parsed = Uuid::try_parse(id).map_err(|_| DecodeError::Id)?;
    if parsed.to_string() != id {
        return Err(DecodeError::Id);
    }
    Ok(Job {
        worker,
        id: parsed,
        seq,
    })
}

/// How long a new job's message waits in a queue, milliseconds. Then the scheduler has the job, and the
/// broker drops the message: after an outage of the workers, new jobs do not wait behind old messages.
const NEW_EXPIRES_MS: &str = "3000";

/// The properties of a job's message: JSON, persistent, and the queue for the reply.
pub(crate) fn properties(job: &Job, is_new: bool, reply_to: Option<&str>) -> BasicProperties {
    const PERSISTENT: u8 = 2;
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(job.id.to_string().into());
    let properties = if is_new {
        properties.with_expiration(NEW_EXPIRES_MS.into())
    } else {
        properties
    };
    // An invalid queue name is ignored: without a reply the waiting request still polls the row.
    match reply_to.and_then(|name| ShortString::try_new(name).ok()) {
        Some(name) => properties.with_reply_to(name),
        None => properties,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn job() -> impl Strategy<Value = Job> {
        (
            prop::sample::select(Worker::ALL.to_vec()),
            any::<u128>(),
            any::<i64>(),
        )
            .prop_map(|(worker, id, seq)| Job {
                worker,
                id: Uuid::from_u128(id),
                seq,
            })
    }

    proptest! {
        #[test]
        fn jobs_round_trip(job in job()) {
            prop_assert_eq!(decode(encode(&job).as_bytes()), Ok(job));
        }

        #[test]
        fn a_missing_byte_changes_the_result(job in job(), at in any::<prop::sample::Index>()) {
            let mut body = encode(&job).into_bytes();
            body.remove(at.index(body.len()));
            prop_assert_ne!(decode(&body), Ok(job));
        }

        #[test]
        fn random_bytes_are_rejected(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&body).is_err());
        }
    }

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn the_format_is_stable() {
        let job = Job {
            worker: Worker::Card,
            id: Uuid::from_u128(7),
            seq: 7,
        };
        let body = r#"{"worker":"card","id":"00000000-0000-0000-0000-000000000007","seq":7}"#;
        assert_eq!(encode(&job), body);
        assert_eq!(decode(body.as_bytes()), Ok(job));
    }

    #[test]
    fn decoding_is_strict() {
        let cases = [
            (String::new(), DecodeError::Shape),
            ("null".to_owned(), DecodeError::Shape),
            (
                format!(r#"{{"worker":"card","id":"{ID}"}}"#),
                DecodeError::Shape,
            ),
            (
                format!(r#"{{"worker":"card","id":"{ID}","seq":7.0}}"#),
                DecodeError::Shape,
            ),
            (
                format!(r#"{{"worker":"card","id":"{ID}","seq":"7"}}"#),
                DecodeError::Shape,
            ),
            (
                format!(r#"{{"worker":"card","id":"{ID}","seq":7,"pan":"4111"}}"#),
                DecodeError::Shape,
            ),
            (
                format!(r#"{{"worker":"card","id":"{ID}","seq":7,"seq":8}}"#),
                DecodeError::Shape,
            ),
            (
                format!(r#"{{"worker":"card","id":"{ID}","seq":7}}{{}}"#),
                DecodeError::Shape,
            ),
            (
                format!(r#"{{"worker":"Card","id":"{ID}","seq":7}}"#),
                DecodeError::Worker,
            ),
            (
                format!(r#"{{"worker":"","id":"{ID}","seq":7}}"#),
                DecodeError::Worker,
            ),
            (
                format!(
                    r#"{{"worker":"card","id":"{}","seq":7}}"#,
                    ID.to_uppercase()
                ),
                DecodeError::Id,
            ),
            (
                format!(
                    r#"{{"worker":"card","id":"{}","seq":7}}"#,
                    ID.replace('-', "")
                ),
                DecodeError::Id,
            ),
            (
                format!(r#"{{"worker":"card","id":"{{{ID}}}","seq":7}}"#),
                DecodeError::Id,
            ),
        ];
        for (body, error) in cases {
            assert_eq!(decode(body.as_bytes()), Err(error), "{body}");
        }
    }

    #[test]
    fn properties_name_the_job_and_the_reply_queue() {
        let job = Job {
            worker: Worker::Card,
            id: Uuid::from_u128(7),
            seq: 7,
        };
        let properties_with_reply = properties(&job, true, Some("amq.gen-1"));
        assert_eq!(properties_with_reply.delivery_mode(), &Some(2));
        assert_eq!(
            properties_with_reply.message_id(),
            &Some(job.id.to_string().into())
        );
        assert_eq!(properties_with_reply.reply_to(), &Some("amq.gen-1".into()));
        assert_eq!(
            properties(&job, true, Some(&"x".repeat(256))).reply_to(),
            &None
        );
    }
}
