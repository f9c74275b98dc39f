//! Differences, and how many of each rule.

use std::collections::BTreeMap;
use std::fmt;

use domain::id::{AuthorizationId, CustomerId, DeliveryId, EventId, IntentId, PaymentId, RefundId};
use uuid::Uuid;

use super::rule::Rule;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The rule.
    pub rule: Rule,
    /// What breaks it, by its public id if it has one.
    pub subject: String,
    /// What the rule requires.
    pub expected: String,
    /// What is there instead.
    pub found: String,
}

/// The public id of an object, or its kind with its id. A job has its owner's.
pub(super) fn subject(kind: &str, id: Uuid) -> String {
    match kind {
        "payment" => PaymentId(id).to_string(),
        "authorization" => AuthorizationId(id).to_string(),
        "refund" => RefundId(id).to_string(),
        "intent" => IntentId(id).to_string(),
        "customer" => CustomerId(id).to_string(),
        "event" => EventId(id).to_string(),
        "delivery" => DeliveryId(id).to_string(),
        "job card" => format!("job of {}", PaymentId(id)),
        "job refund" => format!("job of {}", RefundId(id)),
        "job webhook" => format!("job of {}", DeliveryId(id)),
        kind => format!("{kind} {id}"),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rule, subject) = (self.rule.name(), &self.subject);
        let (expected, found) = (&self.expected, &self.found);
        write!(f, "{rule}: {subject}: expected {expected}; found {found}")
    }
}

/// The differences of one rule.
#[derive(Debug, Clone, Default)]
pub struct Broken {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Difference>,
}

/// Differences by rule: all are counted, and the first of each rule are kept, so that a database of which
/// every row is wrong does not fill the memory.
#[derive(Debug, Clone)]
pub struct Findings {
    limit: usize,
    broken: BTreeMap<Rule, Broken>,
}

impl Findings {
    /// None yet; keeps the first `limit` of each rule.
    pub const fn new(limit: usize) -> Self {
        let broken = BTreeMap::new();
        Self { limit, broken }
    }

    /// No findings, with the same limit.
    pub(super) const fn none(&self) -> Self {
        Self::new(self.limit)
    }

    /// Adds a difference.
    pub fn push(&mut self, difference: Difference) {
        let broken = self.broken.entry(difference.rule).or_default();
        broken.count = broken.count.saturating_add(1);
        if broken.first.len() < self.limit {
            broken.first.push(difference);
        }
    }

    /// Adds differences.
    pub fn extend(&mut self, differences: impl IntoIterator<Item = Difference>) {
        for difference in differences {
            self.push(difference);
        }
    }

    /// Adds the findings of another part.
    pub fn merge(&mut self, other: Self) {
        for (rule, found) in other.broken {
            let broken = self.broken.entry(rule).or_default();
            broken.count = broken.count.saturating_add(found.count);
            let room = self.limit.saturating_sub(broken.first.len());
            broken.first.extend(found.first.into_iter().take(room));
        }
    }

    /// The broken rules.
    pub fn iter(&self) -> impl Iterator<Item = (Rule, &Broken)> {
        self.broken.iter().map(|(rule, broken)| (*rule, broken))
    }

    /// How many differences there are.
    pub fn count(&self) -> u64 {
        let counts = self.broken.values().map(|broken| broken.count);
        counts.fold(0, u64::saturating_add)
    }
}
