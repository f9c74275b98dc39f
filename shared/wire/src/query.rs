//! Query strings and form bodies. Each parameter may appear once.

use std::ops::RangeInclusive;

use time::{Date, Month, OffsetDateTime, Time};
use zeroize::Zeroizing;

use crate::fields::{FieldError, Why, invalid, shown};

/// The parameters of a query string or a form. What is not read is ignored;
/// [`Parameters::refuse_unknown`] rejects it.
pub struct Parameters(Vec<(String, Zeroizing<String>)>);

impl Parameters {
    /// Parses `name=value&…`. Any text can be parsed.
    pub fn of(text: &str) -> Self {
        let pairs = form_urlencoded::parse(text.as_bytes());
        let owned = pairs.map(|(name, value)| {
            let value = Zeroizing::new(value.into_owned());
            (name.into_owned(), value)
        });
        Self(owned.collect())
    }

    /// Rejects parameters other than `known`: a client that misspells a filter would take the whole
    /// list for the filtered one.
    pub fn refuse_unknown<K: AsRef<str>>(&self, known: &[K]) -> Result<(), FieldError> {
        let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
        let mut given = self.0.iter().map(|(name, _)| name.as_str());
        match given.find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let why = Why::UnknownParameter(known.join(", "));
                Err(FieldError::new(shown(name), why))
            }
        }
    }

    /// The value of a parameter. A repeated parameter is rejected, because a proxy may use a
    /// different one of its values.
    pub fn text(&self, name: &str) -> Result<Option<&str>, FieldError> {
        let mut values = self.0.iter().filter(|(given, _)| given == name);
        let value = values.next().map(|(_, value)| value.as_str());
        match values.next() {
            None => Ok(value),
            Some(_) => Err(invalid(name, "must appear only once")),
        }
    }

    /// Reads a parameter with `parse`. If that returns `None`, `why` is the end of a sentence: "must
    /// be …".
    pub fn parsed<T>(
        &self,
        name: &str,
        why: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, FieldError> {
        let text = self.text(name)?;
        let value = text.map(|text| parse(text).ok_or_else(|| invalid(name, why)));
        value.transpose()
    }

    /// Reads an integer within a range.
    pub fn number(
        &self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Result<Option<u32>, FieldError> {
        let (least, most) = (range.start(), range.end());
        let why = format!("must be an integer from {least} to {most}");
        self.parsed(name, &why, |text| {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|_| is_plain);
            number.filter(|number| range.contains(number))
        })
    }

    /// Reads two dates that name the first and the last day in UTC: returns the start of the first and the
    /// end of the last.
    pub fn days(
        &self,
        [first, last]: [&str; 2],
    ) -> Result<(Option<OffsetDateTime>, Option<OffsetDateTime>), FieldError> {
        let (from, to) = (self.date(first)?, self.date(last)?);
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(invalid(last, format!("must not be before {first}")));
        }
        let midnight = |day| OffsetDateTime::new_utc(day, Time::MIDNIGHT);
        // `Date::MAX` has no next day, so it sets no bound.
        let to = to.and_then(Date::next_day);
        Ok((from.map(midnight), to.map(midnight)))
    }

    /// Reads a date, `YYYY-MM-DD`.
    fn date(&self, name: &str) -> Result<Option<Date>, FieldError> {
        self.parsed(name, "must be a date, YYYY-MM-DD", date)
    }
}

fn date(text: &str) -> Option<Date> {
    let is_shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let mut parts = text.split('-').filter(|_| is_shaped);
    let year = parts.next()?.parse().ok()?;
    let month: u8 = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    #[test]
    fn values_are_decoded_and_what_is_not_read_is_ignored() {
        let read = Parameters::of("a=1%262&b=x+y&utm=z&utm=z&c=&=&&d");
        assert_eq!(read.text("a"), Ok(Some("1&2")));
        assert_eq!(read.text("b"), Ok(Some("x y")));
        assert_eq!(read.text("c"), Ok(Some("")));
        assert_eq!(read.text("d"), Ok(Some("")));
        assert_eq!(read.text("e"), Ok(None));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let refused = |query: &str, known: &[&str]| {
            let error = Parameters::of(query).refuse_unknown(known).err();
            error.map(|FieldError { param, why }| format!("{param} {why}"))
        };
        for (query, known, error) in [
            ("", &[][..], None),
            ("limit=1&limit=2", &["limit"], None),
            (
                "limit=1&currency=EUR&x=y",
                &["limit", "offset"],
                Some("currency is not a parameter of this request, which has limit, offset"),
            ),
            (
                "Limit=1",
                &["limit"],
                Some("Limit is not a parameter of this request, which has limit"),
            ),
            (
                "currency=EUR",
                &[],
                Some("currency is not a parameter of this request, which has none"),
            ),
            (
                "4242424242424242",
                &[],
                Some("… is not a parameter of this request, which has none"),
            ),
            (
                "=EUR",
                &[],
                Some("… is not a parameter of this request, which has none"),
            ),
        ] {
            assert_eq!(refused(query, known).as_deref(), error, "{query}");
        }
    }

    #[test]
    fn a_name_given_twice_is_refused() {
        let read = Parameters::of("limit=1&limit=1");
        let twice = invalid("limit", "must appear only once");
        assert_eq!(read.text("limit"), Err(twice.clone()));
        assert_eq!(read.number("limit", 1..=100), Err(twice));
    }

    #[test]
    fn numbers_are_plain_digits_in_range() {
        let read = |text: &str| Parameters::of(&format!("limit={text}")).number("limit", 1..=100);
        assert_eq!(read("1"), Ok(Some(1)));
        assert_eq!(read("100"), Ok(Some(100)));
        for wrong in [
            "0",
            "101",
            "-1",
            "%2B5",
            "+5",
            "1.0",
            "1e1",
            "",
            "ten",
            "4294967297",
            "%D9%A1",
        ] {
            let why = "must be an integer from 1 to 100";
            assert_eq!(read(wrong), Err(invalid("limit", why)), "{wrong}");
        }
    }

    #[test]
    fn dates_exist() {
        let read = |text: &str| Parameters::of(&format!("from_date={text}")).date("from_date");
        assert_eq!(read("2024-02-29"), Ok(Some(date!(2024 - 02 - 29))));
        assert_eq!(read("9999-12-31"), Ok(Some(date!(9999 - 12 - 31))));
        for wrong in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-1-1",
            "24-01-01",
            "2024-01-01T00:00:00Z",
            "01-01-2024",
            "2024/01/01",
            "",
            "-024-01-01",
            "2024-01-+1",
            "today",
            "2024--1-01",
        ] {
            let why = "must be a date, YYYY-MM-DD";
            assert_eq!(read(wrong), Err(invalid("from_date", why)), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,40}", value in "\\PC{0,20}") {
            for text in [text, format!("a={value}")] {
                let read = Parameters::of(&text);
                let _ = (read.text("a"), read.number("a", 0..=9), read.date("a"));
            }
        }

        #[test]
        fn every_day_is_read_back(ordinal in 1_u16..=365, year in 0_i32..=9999) {
            let day = Date::from_ordinal_date(year, ordinal)?;
            let text = format!("{year:04}-{:02}-{:02}", u8::from(day.month()), day.day());
            prop_assert_eq!(super::date(&text), Some(day));
        }
    }
}
