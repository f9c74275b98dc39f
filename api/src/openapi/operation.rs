//! What the reference says of one method of one path.

use schemars::JsonSchema;
use serde_json::Value;

use super::words::Words;

/// One method of one path.
pub struct Operation {
    /// In lower case, as `OpenAPI` writes it.
    pub method: &'static str,
    /// Below the version, `/v1/payments/{id}`.
    pub path: &'static str,
    /// The path with a slash more or less, where that does the same.
    pub also: &'static [&'static str],
    /// What generated clients call it.
    pub name: &'static str,
    /// What it belongs to.
    pub group: &'static str,
    /// What it does, in some words.
    pub summary: &'static str,
    /// What else is to be known.
    pub description: &'static str,
    /// Whether anybody may use it.
    pub is_open: bool,
    /// Whether it takes an Idempotency-Key.
    pub is_once: bool,
    /// Query parameters as `OpenAPI` writes them.
    pub parameters: Vec<Value>,
    /// What is sent.
    pub body: Option<Body>,
    /// What is answered; none if it is always refused.
    pub answer: Option<Answer>,
    /// With which statuses it may be refused.
    pub refusals: Vec<u16>,
    /// The path is another surface's too, which answers where there is no key; what 401 looks like
    /// there.
    pub anonymous: Option<Value>,
}

/// What is sent.
pub struct Body {
    /// Its media type.
    pub media: &'static str,
    /// Whether there must be one.
    pub is_required: bool,
    /// What it must be.
    pub schema: Value,
    /// One that is accepted.
    pub example: Value,
}

/// What is answered.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// What it looks like.
    pub schema: Value,
}

/// What stands in the path in braces: ids.
pub fn ids(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.split('{').skip(1);
    inner.filter_map(|rest| rest.split('}').next())
}

impl Operation {
    /// An operation of the caller's own objects, which answers with `T`.
    pub fn new<T: JsonSchema>(
        words: &mut Words,
        (method, path): (&'static str, &'static str),
        name: &'static str,
        (group, summary): (&'static str, &'static str),
    ) -> Self {
        // Every request is counted, and any part of the gateway may be away.
        let mut refusals = vec![401, 429, 500, 503];
        refusals.extend(ids(path).next().map(|_| 404));
        refusals.sort_unstable();
        let answer = Answer {
            status: 200,
            description: summary,
            schema: words.told::<T>(),
        };
        Self {
            answer: Some(answer),
            refusals,
            ..Self::unavailable((method, path), name, (group, summary))
        }
    }

    /// An operation that this gateway has only to say that it is not available.
    pub fn unavailable(
        (method, path): (&'static str, &'static str),
        name: &'static str,
        (group, summary): (&'static str, &'static str),
    ) -> Self {
        Self {
            method,
            path,
            also: &[],
            name,
            group,
            summary,
            description: "",
            is_open: false,
            is_once: false,
            parameters: Vec::new(),
            body: None,
            answer: None,
            refusals: vec![401, 404, 429, 500, 503],
            anonymous: None,
        }
    }

    /// Says more about it.
    pub fn saying(self, description: &'static str) -> Self {
        Self {
            description,
            ..self
        }
    }

    /// It has this spelling too.
    pub fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    /// Anybody may use it.
    pub fn open(mut self) -> Self {
        self.refusals.retain(|status| *status != 401);
        self.is_open = true;
        self
    }

    /// It takes an Idempotency-Key.
    pub fn once(self) -> Self {
        let once = Self {
            is_once: true,
            ..self
        };
        once.refusing(&[400, 409])
    }

    /// It reads these parameters of the query.
    pub fn reading<T: JsonSchema>(self, words: &mut Words) -> Self {
        let read = Self {
            parameters: words.parameters::<T>(),
            ..self
        };
        read.refusing(&[400])
    }

    /// It takes this body.
    pub fn taking<T: JsonSchema>(self, words: &mut Words, example: Value) -> Self {
        let body = Body {
            media: "application/json",
            is_required: true,
            schema: words.asked::<T>(),
            example,
        };
        let taking = Self {
            body: Some(body),
            ..self
        };
        taking.refusing(&[400])
    }

    /// The body need not be there.
    pub fn or_nothing(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body.is_required = false;
        }
        self
    }

    /// The body is a form.
    pub fn sent_as_form(mut self) -> Self {
        if let Some(body) = &mut self.body {
            body.media = "application/x-www-form-urlencoded";
        }
        self
    }

    /// Where there is no key, the answer is another surface's `T`.
    pub fn shared<T: JsonSchema>(self, words: &mut Words) -> Self {
        let anonymous = Some(words.told::<T>());
        Self { anonymous, ..self }
    }

    /// It answers with this status.
    pub fn answering(mut self, status: u16) -> Self {
        if let Some(answer) = &mut self.answer {
            answer.status = status;
        }
        self
    }

    /// It may also be refused with these.
    pub fn refusing(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self.refusals.sort_unstable();
        self.refusals.dedup();
        self
    }
}
