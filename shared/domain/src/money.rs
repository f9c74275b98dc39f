//! Money: an exact decimal amount in a currency, a whole number of the currency's smallest unit.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

/// The largest amount in minor units: the twelve digits of ISO 8583 field 4.
pub const MINOR_MAX: i64 = 999_999_999_999;

/// Token amounts are smaller than this, in major units. With DAI's 18 decimals that is 27 digits,
/// which a `Decimal` represents exactly.
const TOKENS_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// A stablecoin, or a currency of ISO 4217 that has a smallest unit (codes for gold, testing and
/// funds have none).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Iso(iso_currency::Currency),
    Token(Token),
}

/// A supported stablecoin.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Token {
    Usdc,
    Usdt,
    Dai,
}

impl Currency {
    /// Parses the code of a stablecoin: USDC, USDT or DAI.
    pub fn parse_token(code: &str) -> Option<Self> {
        let token = match code {
            "USDC" => Token::Usdc,
            "USDT" => Token::Usdt,
            "DAI" => Token::Dai,
            _ => return None,
        };
        Some(Self(Kind::Token(token)))
    }

    /// Whether it is a stablecoin.
    pub const fn is_token(self) -> bool {
        matches!(self.0, Kind::Token(_))
    }

    /// Parses the ISO 4217 code of a currency that is in use: three upper-case letters.
    pub fn parse(code: &str) -> Option<Self> {
        Self::parse_stored(code).filter(|currency| !currency.is_withdrawn())
    }

    /// Parses an ISO 4217 code, also of a currency that is withdrawn: what was paid in it stays
    /// readable and refundable.
    pub fn parse_stored(code: &str) -> Option<Self> {
        let currency = iso_currency::Currency::from_code(code)?;
        currency.exponent().map(|_| Self(Kind::Iso(currency)))
    }

    /// Whether ISO 4217 lists the code as historic. Beside VED, VES stays in use.
    fn is_withdrawn(self) -> bool {
        match self.0 {
            Kind::Iso(iso_currency::Currency::VES) | Kind::Token(_) => false,
            Kind::Iso(currency) => currency.is_superseded().is_some(),
        }
    }

    /// The code of the currency or token.
    pub fn code(self) -> &'static str {
        match self.0 {
            Kind::Iso(currency) => currency.code(),
            Kind::Token(Token::Usdc) => "USDC",
            Kind::Token(Token::Usdt) => "USDT",
            Kind::Token(Token::Dai) => "DAI",
        }
    }

    /// The number of decimal digits: JPY 0, USD 2, KWD 3, USDC and USDT 6, DAI 18.
    pub fn exponent(self) -> u32 {
        match self.0 {
            Kind::Iso(currency) => currency.exponent().map_or(0, u32::from),
            Kind::Token(Token::Usdc | Token::Usdt) => 6,
            Kind::Token(Token::Dai) => 18,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a number is not an amount of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Zero or less.
    #[error("an amount is more than zero")]
    NotPositive,
    /// More than [`MINOR_MAX`] minor units, or at least a billion of a token.
    #[error("an amount has at most twelve digits")]
    TooLarge,
    /// Finer than the currency's smallest unit.
    #[error("an amount is a whole number of the currency's smallest unit")]
    TooFine,
}

/// A positive amount, a whole number of the currency's smallest unit: in a currency at most
/// [`MINOR_MAX`] minor units, in a token less than a billion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// An amount in minor units (cents for USD), 1 ..= [`MINOR_MAX`].
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, AmountError> {
        if minor <= 0 {
            return Err(AmountError::NotPositive);
        }
        if minor > MINOR_MAX {
            return Err(AmountError::TooLarge);
        }
        let amount = Decimal::new(minor, currency.exponent());
        Ok(Self { amount, currency })
    }

    /// An amount in major units (dollars for USD).
    pub fn from_major(amount: Decimal, currency: Currency) -> Result<Self, AmountError> {
        if amount.round_dp(currency.exponent()) != amount {
            return Err(AmountError::TooFine);
        }
        if amount <= Decimal::ZERO {
            return Err(AmountError::NotPositive);
        }
        let mut exact = amount;
        exact.rescale(currency.exponent());
        let is_too_large = if currency.is_token() {
            amount >= TOKENS_MAX
        } else {
            exact != amount || exact.mantissa() > i128::from(MINOR_MAX)
        };
        if is_too_large {
            return Err(AmountError::TooLarge);
        }
        Ok(Self {
            amount: exact,
            currency,
        })
    }

    /// The amount in major units, with exactly as many decimals as the currency has.
    pub const fn amount(&self) -> Decimal {
        self.amount
    }

    /// The amount to charge to a card. A stablecoin is charged in US dollars, one for one; if its
    /// amount has a fraction of a cent, the result is [`AmountError::TooFine`].
    pub fn on_a_card(self) -> Result<Self, AmountError> {
        match self.currency.0 {
            Kind::Iso(_) => Ok(self),
            Kind::Token(Token::Usdc | Token::Usdt | Token::Dai) => {
                let dollars = Currency(Kind::Iso(iso_currency::Currency::USD));
                Self::from_major(self.amount, dollars)
            }
        }
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The amount in minor units: 1 ..= [`MINOR_MAX`] in a currency, up to 27 digits in a token.
    pub const fn minor(&self) -> i128 {
        // The constructors set the scale to the exponent, so the mantissa is in minor units.
        self.amount.mantissa()
    }

    /// `basis_points` ten-thousandths of the amount in major units, rounded half to even to the
    /// smallest unit, and never more than the amount.
    pub fn share(&self, basis_points: u16) -> Decimal {
        let share = self
            .amount
            .checked_mul(Decimal::new(i64::from(basis_points), 4))
            .unwrap_or(self.amount)
            .min(self.amount);
        let mut share = share.round_dp_with_strategy(
            self.currency.exponent(),
            RoundingStrategy::MidpointNearestEven,
        );
        share.rescale(self.currency.exponent());
        share
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency() -> impl Strategy<Value = Currency> {
        prop::sample::select(vec!["USD", "EUR", "JPY", "KWD", "CLF"])
            .prop_filter_map("a currency", Currency::parse)
    }

    proptest! {
        #[test]
        fn minor_units_round_trip(minor in 1..=MINOR_MAX, currency in currency()) {
            let money = Money::from_minor(minor, currency)?;
            prop_assert_eq!(money.minor(), i128::from(minor));
            prop_assert_eq!(Money::from_major(money.amount(), currency), Ok(money));
            prop_assert_eq!(money.amount().scale(), currency.exponent());
        }

        #[test]
        fn a_share_never_exceeds_the_whole(minor in 1..=MINOR_MAX, currency in currency(), points in any::<u16>()) {
            let money = Money::from_minor(minor, currency)?;
            let share = money.share(points);
            prop_assert!(share <= money.amount() && share >= Decimal::ZERO);
            prop_assert_eq!(share.scale(), currency.exponent());
        }
    }

    #[test]
    fn invalid_amounts_are_rejected() -> Result<(), AmountError> {
        let (Some(usd), Some(jpy)) = (Currency::parse("USD"), Currency::parse("JPY")) else {
            return Err(AmountError::TooFine);
        };
        assert_eq!(Money::from_minor(0, usd), Err(AmountError::NotPositive));
        assert_eq!(Money::from_minor(-1, usd), Err(AmountError::NotPositive));
        assert_eq!(
            Money::from_minor(MINOR_MAX + 1, usd),
            Err(AmountError::TooLarge)
        );
        assert_eq!(
            Money::from_major(Decimal::new(5001, 3), usd),
            Err(AmountError::TooFine)
        );
        assert_eq!(
            Money::from_major(Decimal::new(15, 1), jpy),
            Err(AmountError::TooFine)
        );
        assert_eq!(
            Money::from_major(Decimal::MAX, usd),
            Err(AmountError::TooLarge)
        );
        assert_eq!(
            Money::from_minor(5000, usd)?.share(550),
            Decimal::new(275, 2)
        );
        Ok(())
    }

    #[test]
    fn tokens_are_exact_to_their_last_digit() {
        let Some(dai) = Currency::parse_token("DAI") else {
            return assert!(Currency::parse_token("DAI").is_some());
        };
        let most = Decimal::from_i128_with_scale(999_999_999_999_999_999_999_999_999, 18);
        let money = Money::from_major(most, dai);
        assert_eq!(money.map(|money| money.amount()), Ok(most));
        let too_large = Money::from_major(Decimal::from(1_000_000_000), dai);
        assert_eq!(too_large, Err(AmountError::TooLarge));
        let hundred = Money::from_major(Decimal::from(100), dai).map(|money| money.minor());
        assert_eq!(hundred, Ok(100_000_000_000_000_000_000));
        assert_eq!(Currency::parse("USDC"), None);
    }

    #[test]
    fn cards_pay_stablecoins_in_dollars_one_for_one() {
        let charged = |amount: Decimal, code: &str| {
            let currency = Currency::parse_token(code).or_else(|| Currency::parse(code))?;
            let money = Money::from_major(amount, currency).ok()?;
            Some(money.on_a_card().map(|money| format!("{money:?}")))
        };
        for (code, expected) in [
            ("USDC", "12.30 USD"),
            ("USDT", "12.30 USD"),
            ("DAI", "12.30 USD"),
            ("USD", "12.30 USD"),
            ("EUR", "12.30 EUR"),
        ] {
            let found = charged(Decimal::new(123, 1), code);
            assert_eq!(found, Some(Ok(expected.to_owned())));
        }
        let cents = charged(Decimal::new(12_305, 3), "USDC");
        assert_eq!(cents, Some(Err(AmountError::TooFine)));
        let most = charged(Decimal::new(99_999_999_999, 2), "DAI");
        assert_eq!(most, Some(Ok("999999999.99 USD".to_owned())));
    }

    /// List One of ISO 4217, published on 2026-01-01, without the codes that have no minor unit.
    #[rustfmt::skip]
    const IN_USE: [(u32, &str); 4] = [
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (2, "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP \
             BYN BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB \
             EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES \
             KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR \
             MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD \
             RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP \
             TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    ];

    #[test]
    fn currencies_in_use_have_their_minor_units_and_no_others_are_charged() {
        let mut listed = Vec::new();
        for (exponent, codes) in IN_USE {
            for code in codes.split(' ') {
                let found = Currency::parse(code).map(Currency::exponent);
                assert_eq!(found, Some(exponent), "{code}");
                listed.push(code.to_owned());
            }
        }
        let letters = || 'A'..='Z';
        let pairs = letters().flat_map(|one| letters().map(move |two| format!("{one}{two}")));
        let codes = pairs.flat_map(|two| letters().map(move |last| format!("{two}{last}")));
        let mut charged: Vec<_> = codes
            .filter(|code| Currency::parse(code).is_some())
            .collect();
        charged.sort();
        listed.sort();
        assert_eq!(charged, listed);
    }

    #[test]
    fn withdrawn_currencies_are_readable_and_not_charged() {
        for code in ["BGN", "CUC", "HRK", "SLL", "ZWL"] {
            assert_eq!(Currency::parse(code), None, "{code}");
            assert_eq!(
                Currency::parse_stored(code).map(Currency::exponent),
                Some(2)
            );
        }
        for code in ["usd", "XXX", "XTS", "XAU", ""] {
            assert_eq!(Currency::parse_stored(code), None, "{code}");
        }
    }

    #[test]
    fn codes_are_three_upper_case_letters_with_a_unit() {
        assert_eq!(Currency::parse("KWD").map(Currency::exponent), Some(3));
        assert_eq!(Currency::parse("JPY").map(Currency::exponent), Some(0));
        for code in ["usd", "US", "USDC", "XAU", "XXX", "XTS", "ZZZ", ""] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
    }
}
