//! JSON numbers that are returned as they were sent.

/// Whether every number in this valid JSON has the value that it is read as: an integer of 64 bits,
/// or the decimal that stands for a double (IEEE 754). Others would change silently, as
/// `12345678901234567890123` would.
pub fn are_exact(json: &[u8]) -> bool {
    let (mut in_string, mut is_escaped) = (false, false);
    let mut number = String::new();
    json.iter().chain(b" ").all(|byte| {
        if in_string {
            in_string = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            return true;
        }
        in_string = *byte == b'"';
        if matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') {
            number.push(char::from(*byte));
            return true;
        }
        let is_number = number.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        let exact = !is_number || is_exact(&number);
        number.clear();
        exact
    })
}

fn is_exact(number: &str) -> bool {
    let is_integer = number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok();
    let read = || serde_json::from_str::<f64>(number);
    is_integer || read().is_ok_and(|read| Parts::of(&format!("{read:e}")) == Parts::of(number))
}

/// The value of a JSON number.
#[derive(PartialEq, Eq)]
struct Parts {
    is_negative: bool,
    /// All digits, without zeros at either end; empty for zero.
    digits: String,
    /// The power of ten of the last digit; 0 for zero.
    exponent: i64,
}

impl Parts {
    fn of(number: &str) -> Option<Self> {
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let unsigned = mantissa.trim_start_matches('-');
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{fraction}");
        let significant = digits.trim_end_matches('0');
        let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
        let decimals = i64::try_from(fraction.len()).ok()?;
        let digits = significant.trim_start_matches('0').to_owned();
        let exponent = match digits.as_str() {
            "" => 0,
            _ => exponent
                .parse::<i64>()
                .ok()?
                .checked_add(zeros - decimals)?,
        };
        Some(Self {
            is_negative: mantissa != unsigned,
            digits,
            exponent,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::samples::any_json;

    #[test]
    fn numbers_that_would_change_are_not_exact() {
        for exact in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "0e9",
            "1",
            "-1",
            "1.0",
            "1.50",
            "0.1",
            "3.25",
            "1e2",
            "1E+2",
            "100e-2",
            "1e21",
            "1e300",
            "2.5e-7",
            "5e-324",
            "18446744073709551615",
            "-9223372036854775808",
            "100000000000000000000",
            "0.30000000000000004",
            "9007199254740993",
            "1.7976931348623157e308",
            "12345678901234568000000",
            "0e99999999999999999999",
        ] {
            assert!(are_exact(exact.as_bytes()), "{exact}");
            let inside =
                format!(r#"{{"a\"1e":[true,false,null,"12345678901234567890123",{exact}]}}"#);
            assert!(are_exact(inside.as_bytes()), "{inside}");
        }
        for changed in [
            "18446744073709551617",
            "-9223372036854775809",
            "36893488147419103232",
            "12345678901234567890123",
            "100000000000000000000001",
            "0.1234567890123456789",
            "0.30000000000000000001",
            "9007199254740993.0",
            "9007199254740993e0",
            "1e-400",
            "-1e-400",
            "5e-325",
        ] {
            assert!(!are_exact(changed.as_bytes()), "{changed}");
            let inside = format!(r#"{{"a\\":{{"b":[{changed}]}},"c":"d"}}"#);
            assert!(!are_exact(inside.as_bytes()), "{inside}");
        }
    }

    proptest! {
        #[test]
        fn what_is_exact_is_read_as_it_was_sent(digits in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,20})?(e[+-]?[0-9]{1,2})?") {
            let read: Result<Value, _> = serde_json::from_str(&digits);
            let same = read.is_ok_and(|read| Parts::of(&read.to_string()) == Parts::of(&digits));
            // Minus zero is the only integer that is read as a double.
            prop_assert_eq!(are_exact(digits.as_bytes()), same);
        }

        #[test]
        fn what_this_gateway_writes_is_exact(json in any_json()) {
            prop_assert!(are_exact(json.to_string().as_bytes()));
        }

        #[test]
        fn no_bytes_break_the_check(bytes in prop::collection::vec(any::<u8>(), 0..40), text in "[0-9.eE+-]{0,40}") {
            let _ = (are_exact(&bytes), are_exact(text.as_bytes()));
        }
    }
}
