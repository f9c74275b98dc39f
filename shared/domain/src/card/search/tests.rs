use proptest::prelude::*;

use super::*;

/// Numbers of every brand and length that the gateway charges.
const NUMBERS: [&str; 13] = [
    "4242424242424242",
    "4222222222222",
    "4000000000000000006",
    "5555555555554444",
    "2221000000000009",
    "378282246310005",
    "6011111111111117",
    "30569309025904",
    "3566002020360505",
    "6200000000000005",
    "501800000009",
    "6799990100000000019",
    "2200000000000004",
];

/// How people write spaces, hyphens and dots, and what programs make of them.
const GAPS: [&str; 22] = [
    "", " ", "  ", "\t", "\n", "\r\n", "\u{a0}", "\u{2009}", "\u{202f}", "\u{3000}", "-", " - ",
    "\u{2010}", "\u{2011}", "\u{2013}", "\u{2212}", ".", "·", "/", "_", "+", ", ",
];

/// Characters that nobody sees.
const UNSEEN: [&str; 7] = [
    "", "\u{200b}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{ad}", "\u{202e}",
];

/// The zeros of ASCII, full-width, Arabic, Persian, Devanagari and bold digits.
const ZEROS: [char; 6] = [
    '0',
    '\u{ff10}',
    '\u{660}',
    '\u{6f0}',
    '\u{966}',
    '\u{1d7ce}',
];

fn in_groups(number: &str, length: usize, gap: &str) -> String {
    let digits: Vec<char> = number.chars().collect();
    let groups = digits.chunks(length).map(|group| group.iter().collect());
    groups.collect::<Vec<String>>().join(gap)
}

fn in_script(number: &str, zero: char, unseen: &str) -> String {
    let digits = number.chars().map(|digit| {
        let value = digit.to_digit(10)?;
        char::from_u32(u32::from(zero) + value)
    });
    let digits = digits.flatten().map(|digit| format!("{digit}{unseen}"));
    digits.collect()
}

fn with_check_digit(payload: &str) -> String {
    let numbers = ('0'..='9').map(|check| format!("{payload}{check}"));
    let mut checked = numbers.filter(|number| brand::has_check_digit(number));
    checked.next().unwrap_or_default()
}

/// The check digits bring the remainder to 1, with the letters as numbers from 10.
fn iban(country: &str, account: &str) -> String {
    let digits = format!("{account}{country}00");
    let digits = digits.chars().filter_map(|c| c.to_digit(36));
    let number: String = digits.map(|value| value.to_string()).collect();
    let digits = number.chars().filter_map(|c| c.to_digit(10));
    let remainder = digits.fold(0, |sum, digit| (10 * sum + digit) % 97);
    format!("{country}{:02}{account}", 98 - remainder)
}

proptest! {
    #[test]
    fn a_card_number_is_found_in_any_text(
        number in prop::sample::select(&NUMBERS[..]),
        gap in prop::sample::select(&GAPS[..]),
        length in 1_usize..=8,
        before in "([a-zé,:;(\" ]{0,9}|order 7 )",
        after in "([a-zé,.;)\" ]{0,9}| 12/28 123)",
    ) {
        let text = format!("{before}{}{after}", in_groups(number, length, gap));
        prop_assert!(contains_card_number(&text), "{text}");
    }

    #[test]
    fn a_card_number_is_found_in_any_script(
        number in prop::sample::select(&NUMBERS[..]),
        zero in prop::sample::select(&ZEROS[..]),
        unseen in prop::sample::select(&UNSEEN[..]),
    ) {
        prop_assert!(contains_card_number(&in_script(number, zero, unseen)));
    }

    #[test]
    fn whatever_is_charged_as_a_known_brand_is_found(payload in "(4[0-9]{11,17}|5[1-5][0-9]{13}|3[47][0-9]{12}|6011[0-9]{11,14}|36[0-9]{11,16}|35[3-8][0-9]{12,15}|(5018|502|503|56|58|6304|639|67)[0-9]{12}|62[0-9]{13,16})") {
        let number = with_check_digit(&payload);
        if super::super::Card::new(&number, 12, 2030, "123").is_ok()
            && brand::Brand::of(&number) != brand::Brand::Unknown
        {
            prop_assert!(contains_card_number(&number), "{number}");
        }
    }

    #[test]
    fn texts_without_twelve_digits_hold_no_card_number(text in "[a-z0-9]{0,11}") {
        prop_assert!(!contains_card_number(&text));
    }

    #[test]
    fn a_telephone_number_is_no_card_number(
        country in prop::sample::select(vec!["1", "34", "351", "36", "370", "44", "49", "55", "62", "65", "86"]),
        number in "[1-9][0-9]{2} ?[0-9]{3,4}[ /.-]?[0-9]{3,5}",
        lead in "(tel:|Tel\\. |call |\\()?(\\+|00)",
        after in "( ext\\. [0-9]{3}|\\)|, mobile| or \\+[1-9]{11})?",
    ) {
        let text = format!("{lead}{country} {number}{after}");
        prop_assert!(!contains_card_number(&text), "{text}");
        let solid = text.replace(' ', "");
        prop_assert!(!contains_card_number(&solid), "{solid}");
    }

    #[test]
    fn uuids_and_hashes_are_no_card_numbers(number in any::<u128>(), more in any::<u128>(), before in "(|order-|id_|urn:uuid:|[xyz])") {
        let id = uuid::Uuid::from_u128(number);
        for text in [
            format!("{before}{id}"),
            format!("{before}{}", id.to_string().to_uppercase()),
            format!("{before}{number:032x}"),
            format!("0x{number:032x}{more:032x}"),
        ] {
            prop_assert!(!contains_card_number(&text), "{text}");
        }
    }

    #[test]
    fn ibans_are_no_card_numbers(country in "[A-Z]{2}", account in "[0-9]{11,30}", is_grouped in any::<bool>()) {
        let iban = iban(&country, &account);
        let iban = in_groups(&iban, if is_grouped { 4 } else { iban.len() }, " ");
        prop_assert!(!contains_card_number(&format!("to {iban}.")), "{iban}");
    }

    #[test]
    fn times_are_no_card_numbers(
        year in 1990..2100, month in 1..=12, day in 1..=31, hour in 0..24, minute in 0..60,
        second in 0..60, fraction in 0..1_000_000, seconds in 1_000_000_000_u64..2_200_000_000,
    ) {
        for text in [
            format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{fraction:06}"),
            format!("{day:02}.{month:02}.{year} {hour:02}:{minute:02}:{second:02}"),
            format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}"),
            format!("{year}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"),
            format!("{seconds}.{fraction:06}"),
            format!("{}", seconds * 1_000),
        ] {
            prop_assert!(!contains_card_number(&text), "{text}");
        }
    }

    #[test]
    fn no_text_breaks_the_search(text in "\\PC{0,60}|[0-9A-Z +-]{0,60}") {
        let _ = contains_card_number(&text);
    }
}

#[test]
fn cards_as_they_are_written() {
    for text in [
        "pays with 4242 4242 4242 4242, thanks",
        "7 4242-4242-4242-4242",
        "3782 822463 10005",
        "3056 930902 5904",
        "4242 42424242 4242",
        "4242 4242 4242 4242 12/28 123",
        "4242424242424242|12|2028|123",
        "%B4242424242424242^DOE/JOHN^28121010000?",
        ";4242424242424242=28121010000000000?",
        "PAN4242424242424242",
        "4242424242424242USD",
        "card=4242+4242+4242+4242&cvc=123",
        "4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣4️⃣2️⃣",
        "+4242424242424242",
        "+49 30 1234567, 4242 4242 4242 4242",
        "DE89 3704 0044 0532 0130 00, 4242 4242 4242 4242",
        "550e8400-e29b-41d4-a716-446655440000 4242424242424242",
        "4242424242424242.0",
        "4242\t\t   4242 \r\n  4242      4242",
        r#"["4242", "4242", "4242", "4242"]"#,
    ] {
        assert!(contains_card_number(text), "{text}");
    }
}

#[test]
fn other_numbers_as_they_are_written() {
    for text in [
        "Order #12345",
        "order 4242424242424241",
        "1234567812345670",
        "+49 1512 3456785",
        "+4915123456786",
        "0049 151 2345 6786",
        "+49(0)151 23456786",
        "49 151 2345 6786",
        "DE89 3704 0044 0532 0130 00",
        "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606",
        "ES91 2100 0418 4502 0005 1332",
        "978-4-06-519981-7",
        "40 41 42 43 x 44 45 46 47",
        "2026-11-27T20:40:32.123456789Z",
        "52.5200066, 13.4049540",
        "0x4242424242424242aBcDeF1234567890aBcDeF12",
    ] {
        assert!(!contains_card_number(text), "{text}");
    }
}
