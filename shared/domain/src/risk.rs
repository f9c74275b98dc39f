//! Card testing: someone tries many stolen cards to find those that work. Each rule has a limit on what
//! was counted in its window; beyond it, a verdict blocks a card, an address or a merchant's public
//! routes.

use std::time::Duration;

use crate::merchant::Mode;
use crate::payment::Failure;

/// The window of declines of a card.
pub const CARD_WINDOW: Duration = Duration::from_hours(24);
/// The window of the tries and declines of an address.
pub const ADDRESS_WINDOW: Duration = Duration::from_hours(1);
/// How long an address is blocked: until what it was blocked for is out of the window.
pub const ADDRESS_BLOCK: Duration = ADDRESS_WINDOW;
/// The window of a merchant's tries.
pub const MERCHANT_WINDOW: Duration = Duration::from_mins(10);
/// How long a merchant's public routes take no cards.
pub const MERCHANT_BLOCK: Duration = Duration::from_mins(15);
/// The window of tries of cards that begin alike.
pub const BIN_WINDOW: Duration = Duration::from_mins(10);
/// How long public routes take no cards that begin like these.
pub const BIN_BLOCK: Duration = Duration::from_mins(15);
/// How long verdicts are kept.
pub const VERDICTS_KEPT: Duration = Duration::from_hours(24 * 90);

/// A merchant's public routes take no cards if so many of a hundred are declined.
const MERCHANT_DECLINED_PERCENT: u64 = 90;
/// They answer slowly if so many of a hundred are declined.
const MERCHANT_SUSPECTED_PERCENT: u64 = 70;

/// How long a public answer that refuses a card takes at least: a card that is not sent to the acquirer must
/// not be told from one that was declined there.
pub const REFUSAL_TIME_MIN: Duration = Duration::from_millis(500);
/// How long each public answer takes at least at a merchant that is suspected.
pub const SUSPECTED_TIME_MIN: Duration = Duration::from_secs(2);
/// The most cards that payers may try for one intent.
pub const CARDS_PER_INTENT: u64 = 5;
/// Tries of cards that begin alike are testing if so many of a hundred are declined.
const BIN_DECLINED_PERCENT: u64 = 80;
/// Limits of test mode are so many times higher: developers use the same declined card all day.
const TEST_FACTOR: u64 = 20;

/// What a verdict is based on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Declines of a card at one merchant: the card is declined without the acquirer.
    CardAtMerchant,
    /// Declines of a card at all merchants: the same follows.
    Card,
    /// Cards that an address tried on public routes: the address is blocked.
    AddressTries,
    /// Declines of cards that an address tried: the same follows.
    AddressDeclines,
    /// Most of a merchant's many tries were declined: its public routes take no cards for a while.
    Merchant,
    /// Many of a merchant's many tries were declined: its public routes answer slowly for a while.
    MerchantSuspected,
    /// One card more than an intent takes.
    CardsPerIntent,
    /// Most of many tries of cards with the same first six digits were declined: public routes take none of
    /// them for a while.
    Bin,
    /// An operator blocks the card, its first digits, the payer's e-mail address or network.
    Blocklist,
}

names!(Rule {
    CardAtMerchant = "card_at_merchant",
    Card = "card",
    AddressTries = "address_tries",
    AddressDeclines = "address_declines",
    Merchant = "merchant",
    MerchantSuspected = "merchant_suspected",
    CardsPerIntent = "cards_per_intent",
    Bin = "bin",
    Blocklist = "blocklist",
});

impl Rule {
    /// How many are allowed in the rule's window; for [`Rule::Merchant`], how many tries make a verdict
    /// possible.
    const fn limit(self, mode: Mode) -> u64 {
        let live = match self {
            Rule::CardAtMerchant => 5,
            Rule::Card => 10,
            Rule::AddressTries => 30,
            Rule::AddressDeclines => 10,
            Rule::Merchant | Rule::MerchantSuspected => 50,
            // Not a window, and the same in both modes: a constraint of the database.
            Rule::CardsPerIntent => return CARDS_PER_INTENT,
            Rule::Bin => 20,
            Rule::Blocklist => return 0,
        };
        match (self, mode) {
            (_, Mode::Live) => live,
            // All merchants have the same test cards: one must not use them up for the others.
            (Rule::Card, Mode::Test) => u64::MAX,
            (_, Mode::Test) => live * TEST_FACTOR,
        }
    }
}

/// What was counted in a rule's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Cards that were tried.
    pub tries: u64,
    /// How many of them were declined.
    pub declines: u64,
}

impl Counts {
    /// Whether at least so many of a hundred tries were declined.
    const fn has_declined(self, percent: u64) -> bool {
        self.declines.saturating_mul(100) >= self.tries.saturating_mul(percent)
    }
}

/// What operators may block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listed {
    /// A card, by its fingerprint.
    Card,
    /// Cards with the same first six or eight digits.
    Bin,
    /// A payer's e-mail address.
    Email,
    /// Addresses from which payers use public routes.
    Network,
}

names!(Listed {
    Card = "card",
    Bin = "bin",
    Email = "email",
    Network = "network",
});

/// A rule's limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The rule.
    pub rule: Rule,
    /// The tries in its window; `None` if the rule does not count them.
    pub tries: Option<u64>,
    /// The declines in its window.
    pub declines: u64,
}

/// Judges a card before it is sent, by its declines at this merchant and at all merchants.
pub fn of_card(mode: Mode, at_merchant: u64, at_all: u64) -> Option<Verdict> {
    let counted = [(Rule::CardAtMerchant, at_merchant), (Rule::Card, at_all)];
    let reached = counted
        .into_iter()
        .find(|(rule, declines)| *declines >= rule.limit(mode));
    reached.map(|(rule, declines)| Verdict {
        rule,
        tries: None,
        declines,
    })
}

/// Judges a card that an address tries; the tries include this one.
pub fn of_address(mode: Mode, counts: Counts) -> Option<Verdict> {
    let rule = if counts.declines >= Rule::AddressDeclines.limit(mode) {
        Rule::AddressDeclines
    } else if counts.tries > Rule::AddressTries.limit(mode) {
        Rule::AddressTries
    } else {
        return None;
    };
    Some(Verdict::of(rule, counts))
}

/// Judges what all payers tried at a merchant, on public routes and directly.
pub fn of_merchant(mode: Mode, counts: Counts) -> Option<Verdict> {
    if counts.tries < Rule::Merchant.limit(mode) {
        return None;
    }
    if counts.has_declined(MERCHANT_DECLINED_PERCENT) {
        Some(Verdict::of(Rule::Merchant, counts))
    } else if counts.has_declined(MERCHANT_SUSPECTED_PERCENT) {
        Some(Verdict::of(Rule::MerchantSuspected, counts))
    } else {
        None
    }
}

/// Judges a card by the public tries of cards with the same first six digits; they include this one.
pub fn of_bin(mode: Mode, counts: Counts) -> Option<Verdict> {
    let is_testing =
        counts.tries >= Rule::Bin.limit(mode) && counts.has_declined(BIN_DECLINED_PERCENT);
    is_testing.then(|| Verdict::of(Rule::Bin, counts))
}

/// The verdict on what an operator blocks.
pub const fn of_blocklist() -> Verdict {
    Verdict {
        rule: Rule::Blocklist,
        tries: None,
        declines: 0,
    }
}

/// The verdict on one card more than an intent takes.
pub const fn of_intent() -> Verdict {
    Verdict {
        rule: Rule::CardsPerIntent,
        tries: Some(CARDS_PER_INTENT + 1),
        declines: CARDS_PER_INTENT,
    }
}

/// How long a public answer takes at least.
pub const fn answer_time(is_refused: bool, is_suspected: bool) -> Duration {
    match (is_refused, is_suspected) {
        (_, true) => SUSPECTED_TIME_MIN,
        (true, false) => REFUSAL_TIME_MIN,
        (false, false) => Duration::ZERO,
    }
}

/// Whether the failure tells something about the card, so that it counts as a decline.
pub const fn is_decline(failure: Failure) -> bool {
    match failure {
        Failure::CardDeclined | Failure::InsufficientFunds | Failure::ExpiredCard => true,
        Failure::ProcessingError | Failure::PaymentExpired => false,
    }
}

impl Verdict {
    const fn of(rule: Rule, counts: Counts) -> Self {
        Self {
            rule,
            tries: Some(counts.tries),
            declines: counts.declines,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(tries: u64, declines: u64) -> Counts {
        Counts { tries, declines }
    }

    fn rule(verdict: Option<Verdict>) -> Option<Rule> {
        verdict.map(|verdict| verdict.rule)
    }

    #[test]
    fn a_card_is_blocked_after_five_declines_at_a_merchant_or_ten_at_all() {
        for (at_merchant, at_all, expected) in [
            (0, 0, None),
            (4, 4, None),
            (4, 9, None),
            (5, 5, Some(Rule::CardAtMerchant)),
            (5, 10, Some(Rule::CardAtMerchant)),
            (0, 10, Some(Rule::Card)),
        ] {
            assert_eq!(rule(of_card(Mode::Live, at_merchant, at_all)), expected);
        }
        assert_eq!(of_card(Mode::Test, 99, 100_000), None);
        let verdict = of_card(Mode::Test, 100, 100);
        let expected = Verdict {
            rule: Rule::CardAtMerchant,
            tries: None,
            declines: 100,
        };
        assert_eq!(verdict, Some(expected));
    }

    #[test]
    fn an_address_has_thirty_tries_or_ten_declines() {
        for (tries, declines, expected) in [
            (1, 0, None),
            (30, 9, None),
            (31, 0, Some(Rule::AddressTries)),
            (11, 10, Some(Rule::AddressDeclines)),
            (31, 10, Some(Rule::AddressDeclines)),
        ] {
            assert_eq!(
                rule(of_address(Mode::Live, counts(tries, declines))),
                expected
            );
        }
        assert_eq!(of_address(Mode::Test, counts(600, 199)), None);
        assert!(of_address(Mode::Test, counts(601, 0)).is_some());
    }

    #[test]
    fn cards_that_begin_alike_are_blocked_at_four_declines_of_five() {
        for (tries, declines, is_blocked) in [
            (19, 19, false),
            (20, 15, false),
            (20, 16, true),
            (100, 79, false),
        ] {
            let verdict = of_bin(Mode::Live, counts(tries, declines));
            assert_eq!(verdict.is_some(), is_blocked, "{declines} of {tries}");
        }
        assert_eq!(of_bin(Mode::Test, counts(399, 399)), None);
        assert_eq!(rule(of_bin(Mode::Test, counts(400, 320))), Some(Rule::Bin));
    }

    #[test]
    fn a_merchant_is_suspected_at_seven_and_blocked_at_nine_declines_of_ten() {
        let (suspected, blocked) = (Some(Rule::MerchantSuspected), Some(Rule::Merchant));
        for (tries, declines, expected) in [
            (49, 49, None),
            (50, 34, None),
            (50, 35, suspected),
            (50, 44, suspected),
            (50, 45, blocked),
            (1_000, 699, None),
            (1_000, 899, suspected),
            (1_000, 900, blocked),
        ] {
            let verdict = of_merchant(Mode::Live, counts(tries, declines));
            assert_eq!(rule(verdict), expected, "{declines} of {tries}");
        }
        assert_eq!(of_merchant(Mode::Test, counts(999, 999)), None);
        assert!(of_merchant(Mode::Test, counts(1_000, 900)).is_some());
    }

    proptest! {
        /// More declines never lift a block, and test mode never blocks what live mode lets through.
        #[test]
        fn more_declines_never_help(tries in 0_u64..3_000, declines in 0_u64..3_000, more in 0_u64..100) {
            let declines = declines.min(tries);
            let (few, many) = (counts(tries, declines), counts(tries, (declines + more).min(tries)));
            for mode in Mode::ALL {
                let judged = |counts: Counts| [
                    of_card(mode, counts.declines, counts.declines),
                    of_address(mode, counts),
                    of_merchant(mode, counts),
                ];
                for (few, many) in judged(few).iter().zip(judged(many)) {
                    prop_assert!(few.is_none() || many.is_some());
                }
            }
            prop_assert!(of_card(Mode::Test, declines, declines).is_none()
                || of_card(Mode::Live, declines, declines).is_some());
            prop_assert!(of_address(Mode::Test, few).is_none() || of_address(Mode::Live, few).is_some());
            prop_assert!(of_merchant(Mode::Test, few).is_none() || of_merchant(Mode::Live, few).is_some());
        }

        /// A verdict states the numbers that it is based on, whatever they are.
        #[test]
        fn verdicts_state_what_was_counted(tries: u64, declines: u64) {
            for mode in Mode::ALL {
                for verdict in [of_address(mode, counts(tries, declines)), of_merchant(mode, counts(tries, declines))] {
                    let is_stated = verdict.is_none_or(|one| (one.tries, one.declines) == (Some(tries), declines));
                    prop_assert!(is_stated);
                }
            }
        }
    }
}
