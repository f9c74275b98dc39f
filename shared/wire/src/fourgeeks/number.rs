//! JSON numbers that are written exactly, never converted to a float.

use std::borrow::Cow;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::Error;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An exact JSON number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Keeps the decimals of `value`: 500.00 is written as `500.00`.
    pub fn exact(value: Decimal) -> Self {
        Self(value.to_string())
    }

    /// Removes trailing zeros, but keeps at least one decimal: 100.00 is written as `100.0`, 533.48
    /// as `533.48`. Lists use this format.
    pub fn short(value: Decimal) -> Self {
        let text = value.normalize().to_string();
        let has_point = text.contains('.');
        Self(if has_point { text } else { text + ".0" })
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = RawValue::from_string(self.0.clone()).map_err(S::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "number"})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(number: &Number) -> Option<String> {
        serde_json::to_string(number).ok()
    }

    #[test]
    fn numbers_are_written_as_the_document_prints_them() {
        for (cents, exact, short) in [
            (10_000, "100.00", "100.0"),
            (550, "5.50", "5.5"),
            (9_450, "94.50", "94.5"),
            (53_348, "533.48", "533.48"),
            (0, "0.00", "0.0"),
            (-5, "-0.05", "-0.05"),
            (99_999_999_999_999, "999999999999.99", "999999999999.99"),
        ] {
            let value = Decimal::new(cents, 2);
            assert_eq!(written(&Number::exact(value)).as_deref(), Some(exact));
            assert_eq!(written(&Number::short(value)).as_deref(), Some(short));
        }
    }

    proptest! {
        #[test]
        fn no_digit_is_lost(mantissa in any::<i64>(), scale in 0_u32..=28) {
            let value = Decimal::new(mantissa, scale);
            for number in [Number::exact(value), Number::short(value)] {
                let text = written(&number).unwrap_or_default();
                prop_assert_eq!(text.parse::<Decimal>()?, value);
                prop_assert!(serde_json::from_str::<f64>(&text).is_ok(), "{}", text);
            }
        }
    }
}
