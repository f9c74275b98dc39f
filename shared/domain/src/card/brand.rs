//! Brands: which numbers each issues.

use std::ops::RangeInclusive;

/// A card brand, recognized by the number's first digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "brand names")]
pub enum Brand {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Diners,
    Jcb,
    Unionpay,
    Maestro,
    Mir,
    Dankort,
    Unknown,
}

names!(Brand {
    Visa = "visa",
    Mastercard = "mastercard",
    Amex = "amex",
    Discover = "discover",
    Diners = "diners",
    Jcb = "jcb",
    Unionpay = "unionpay",
    Maestro = "maestro",
    Mir = "mir",
    Dankort = "dankort",
    Unknown = "unknown",
});

/// The numbers of a brand that begin with `first` to `last`.
struct Range {
    brand: Brand,
    first: &'static str,
    last: &'static str,
    lengths: RangeInclusive<usize>,
}

const fn range(
    brand: Brand,
    first: &'static str,
    last: &'static str,
    lengths: RangeInclusive<usize>,
) -> Range {
    Range {
        brand,
        first,
        last,
        lengths,
    }
}

/// The issuer identification numbers and lengths that the brands publish. The first range that
/// matches counts. `Unknown` are schemes that have no name here: Elo, Verve, `RuPay`, Hipercard and
/// Troy.
const RANGES: [Range; 30] = [
    range(Brand::Visa, "4", "4", 13..=19),
    range(Brand::Dankort, "5019", "5019", 16..=16),
    range(Brand::Maestro, "5018", "5018", 12..=19),
    range(Brand::Maestro, "502", "503", 12..=19),
    range(Brand::Unknown, "506", "509", 16..=19),
    range(Brand::Mastercard, "51", "55", 16..=16),
    range(Brand::Maestro, "56", "56", 12..=19),
    range(Brand::Maestro, "58", "58", 12..=19),
    range(Brand::Mir, "2200", "2204", 16..=19),
    range(Brand::Mastercard, "2221", "2720", 16..=16),
    range(Brand::Amex, "34", "34", 15..=15),
    range(Brand::Amex, "37", "37", 15..=15),
    range(Brand::Diners, "300", "305", 14..=19),
    range(Brand::Diners, "3095", "3095", 14..=19),
    range(Brand::Diners, "36", "36", 14..=19),
    range(Brand::Diners, "38", "39", 14..=19),
    range(Brand::Jcb, "3528", "3589", 16..=19),
    range(Brand::Discover, "6011", "6011", 16..=19),
    range(Brand::Unknown, "60", "60", 16..=16),
    range(Brand::Discover, "622126", "622925", 16..=19),
    range(Brand::Unionpay, "62", "62", 16..=19),
    range(Brand::Maestro, "6304", "6304", 12..=19),
    range(Brand::Unknown, "636", "637", 16..=16),
    range(Brand::Maestro, "639", "639", 12..=19),
    range(Brand::Discover, "644", "649", 16..=19),
    range(Brand::Discover, "65", "65", 16..=19),
    range(Brand::Maestro, "67", "67", 12..=19),
    range(Brand::Unknown, "81", "82", 16..=16),
    range(Brand::Unionpay, "88", "88", 16..=19),
    range(Brand::Unknown, "9792", "9792", 16..=16),
];

fn range_of(digits: &str) -> Option<&'static Range> {
    RANGES.iter().find(|range| {
        let prefix = digits.get(..range.first.len());
        prefix.is_some_and(|prefix| (range.first..=range.last).contains(&prefix))
    })
}

impl Brand {
    /// The brand that issues numbers with these first digits.
    pub(super) fn of(digits: &str) -> Self {
        range_of(digits).map_or(Brand::Unknown, |range| range.brand)
    }
}

/// Whether numbers with these first digits are known, and then whether they have this many digits.
pub(super) fn has_length(digits: &str) -> Option<bool> {
    range_of(digits).map(|range| range.lengths.contains(&digits.len()))
}

/// Whether the last digit is the check digit of the others (ISO/IEC 7812-1, Luhn).
pub(super) fn has_check_digit(digits: &str) -> bool {
    let values = digits.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = (0_u8..)
        .zip(values)
        .map(|(place, value)| match value {
            value if place % 2 == 0 => value,
            0..=4 => 2 * value,
            _ => 2 * value - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that brands and acquirers publish for tests.
    #[test]
    fn published_numbers_have_their_brand_length_and_check_digit() {
        for (number, brand) in [
            ("4242424242424242", Brand::Visa),
            ("4222222222222", Brand::Visa),
            ("4000000000000000006", Brand::Visa),
            ("5555555555554444", Brand::Mastercard),
            ("2221000000000009", Brand::Mastercard),
            ("2720999999999996", Brand::Mastercard),
            ("378282246310005", Brand::Amex),
            ("341111111111111", Brand::Amex),
            ("6011111111111117", Brand::Discover),
            ("6445644564456445", Brand::Discover),
            ("6500000000000002", Brand::Discover),
            ("6221260000000000", Brand::Discover),
            ("6011000000000000001", Brand::Discover),
            ("30569309025904", Brand::Diners),
            ("36227206271667", Brand::Diners),
            ("3056930009020004", Brand::Diners),
            ("3600000000000000004", Brand::Diners),
            ("3566002020360505", Brand::Jcb),
            ("3530111333300000", Brand::Jcb),
            ("3528000000000000007", Brand::Jcb),
            ("6200000000000005", Brand::Unionpay),
            ("6205500000000000004", Brand::Unionpay),
            ("501800000009", Brand::Maestro),
            ("6759649826438453", Brand::Maestro),
            ("6799990100000000019", Brand::Maestro),
            ("6304000000000000", Brand::Maestro),
            ("2200000000000004", Brand::Mir),
            ("5019717010103742", Brand::Dankort),
            ("5066991111111118", Brand::Unknown),
            ("9792020000000001", Brand::Unknown),
        ] {
            assert_eq!(Brand::of(number), brand, "{number}");
            assert_eq!(has_length(number), Some(true), "{number}");
            assert!(has_check_digit(number), "{number}");
        }
    }

    #[test]
    fn prefixes_beside_the_ranges_are_of_no_brand() {
        for number in [
            "2205000000000000",
            "2220999999999999",
            "2721000000000000",
            "3527999999999999",
            "3590000000000000",
            "306000000000000",
            "7000000000000000",
            "",
        ] {
            assert_eq!(Brand::of(number), Brand::Unknown, "{number}");
            assert_eq!(has_length(number), None, "{number}");
        }
    }

    #[test]
    fn ranges_are_of_equal_length_and_in_order() {
        for Range { first, last, .. } in RANGES {
            assert!(first.len() == last.len() && first <= last, "{first}");
        }
    }
}
