//! Characters of Unicode that are not seen, and digits of all scripts.

/// First and last of the characters that are not drawn, or only change how the text around them is
/// drawn: the property `Default_Ignorable_Code_Point`, which includes `Bidi_Control`, the
/// annotation marks, and the blank Braille pattern.
const INVISIBLE: [(char, char); 18] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// The zeros of the decimal digits outside ASCII (category Nd). The other nine digits follow each.
#[rustfmt::skip]
const ZEROS: [char; 75] = [
    '\u{660}', '\u{6f0}', '\u{7c0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}',
    '\u{be6}', '\u{c66}', '\u{ce6}', '\u{d66}', '\u{de6}', '\u{e50}', '\u{ed0}', '\u{f20}',
    '\u{1040}', '\u{1090}', '\u{17e0}', '\u{1810}', '\u{1946}', '\u{19d0}', '\u{1a80}',
    '\u{1a90}', '\u{1b50}', '\u{1bb0}', '\u{1c40}', '\u{1c50}', '\u{a620}', '\u{a8d0}',
    '\u{a900}', '\u{a9d0}', '\u{a9f0}', '\u{aa50}', '\u{abf0}', '\u{ff10}', '\u{104a0}',
    '\u{10d30}', '\u{10d40}', '\u{11066}', '\u{110f0}', '\u{11136}', '\u{111d0}', '\u{112f0}',
    '\u{11450}', '\u{114d0}', '\u{11650}', '\u{116c0}', '\u{116d0}', '\u{116da}', '\u{11730}',
    '\u{118e0}', '\u{11950}', '\u{11bf0}', '\u{11c50}', '\u{11d50}', '\u{11da0}', '\u{11f50}',
    '\u{16130}', '\u{16a60}', '\u{16ac0}', '\u{16b50}', '\u{16d70}', '\u{1ccf0}', '\u{1d7ce}',
    '\u{1d7d8}', '\u{1d7e2}', '\u{1d7ec}', '\u{1d7f6}', '\u{1e140}', '\u{1e2f0}', '\u{1e4f0}',
    '\u{1e5f1}', '\u{1e950}', '\u{1fbf0}',
];

/// Whether a reader does not see the character: it has no width, or only changes the direction or
/// shape of the text around it.
pub fn is_invisible(character: char) -> bool {
    !character.is_ascii()
        && INVISIBLE
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&character))
}

/// The value of a decimal digit of any script, 0 ..= 9: of `4` and of the full-width `４`.
pub fn digit(character: char) -> Option<u32> {
    if character.is_ascii() {
        return character.to_digit(10);
    }
    let value = |zero: &char| u32::from(character).checked_sub(u32::from(*zero));
    let zeros = ZEROS.iter().filter(|_| character.is_numeric());
    zeros
        .filter_map(value)
        .find(|value| (0..=9).contains(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_of_all_scripts_have_values() {
        for (character, value) in [
            ('0', Some(0)),
            ('9', Some(9)),
            ('\u{ff14}', Some(4)),
            ('\u{669}', Some(9)),
            ('\u{968}', Some(2)),
            ('\u{1d7ff}', Some(9)),
            ('a', None),
            ('é', None),
            ('²', None),
            ('①', None),
        ] {
            assert_eq!(digit(character), value, "{character}");
        }
    }

    #[test]
    fn the_zeros_are_sorted_and_apart() {
        let apart = |pair: &[char]| match pair {
            [one, next] => u32::from(*next) >= u32::from(*one) + 10,
            _ => false,
        };
        assert!(ZEROS.windows(2).all(apart));
    }

    proptest! {
        #[test]
        fn a_digit_is_numeric_and_seen(character in any::<char>()) {
            if digit(character).is_some() {
                prop_assert!(character.is_numeric() && !is_invisible(character));
            }
            if is_invisible(character) {
                prop_assert!(!character.is_ascii());
            }
        }
    }
}
