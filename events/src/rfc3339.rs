//! Times as texts: RFC 3339, section 5.6.

use std::time::{Duration, SystemTime};

const DAY: i64 = 24 * 60 * 60;

/// The years that have four digits.
const YEARS: std::ops::Range<i64> = 0..10_000;

/// The text of a time in UTC, with as much of a fraction as it has; nothing where its year has not four digits.
pub(crate) fn write(time: SystemTime) -> Option<String> {
    let (whole, nanos) = parts(time)?;
    let fraction = format!(".{nanos:09}");
    let fraction = if nanos == 0 { "" } else { fraction.trim_end_matches('0') };
    Some(format!("{whole}{fraction}Z"))
}

/// The same with microseconds, always: texts of one length, for people.
pub(crate) fn write_micros(time: SystemTime) -> Option<String> {
    parts(time).map(|(whole, nanos)| format!("{whole}.{:06}Z", nanos / 1000))
}

/// The text without a fraction, and nanoseconds.
fn parts(time: SystemTime) -> Option<(String, u32)> {
    let (since_1970, nanos) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (i64::try_from(after.as_secs()).ok()?, after.subsec_nanos()),
        Err(error) => {
            let before = error.duration();
            let seconds = i64::try_from(before.as_secs()).ok()?;
            match before.subsec_nanos() {
                0 => (-seconds, 0),
                nanos => (-seconds - 1, 1_000_000_000 - nanos),
            }
        }
    };
    let seconds = since_1970.checked_add(first_day(1970) * DAY)?;
    let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    if !(first_day(YEARS.start)..first_day(YEARS.end)).contains(&day) {
        return None;
    }
    let (year, month, day) = date(day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some((format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"), nanos))
}

/// The time that a text says, in any offset. What a fraction says beyond nanoseconds is dropped, and a leap second is the
/// second after it.
pub(crate) fn read(text: &str) -> Option<SystemTime> {
    let mut rest = Rest(text.as_bytes());
    let (year, month, day) = (rest.number(4)?, rest.after(b"-", 2)?, rest.after(b"-", 2)?);
    let (hour, minute, second) = (rest.after(b"Tt", 2)?, rest.after(b":", 2)?, rest.after(b":", 2)?);
    let nanos = rest.fraction()?;
    let offset = rest.offset()?;
    let is_date = (1..=12).contains(&month) && (1..=month_len(year, month)).contains(&day);
    if !(rest.0.is_empty() && is_date && hour < 24 && minute < 60 && second <= 60) {
        return None;
    }
    let day = first_day(year) + first_of_month(year, month) + day - 1;
    let seconds = day * DAY + hour * 3600 + minute * 60 + second - offset;
    let is_known = (first_day(YEARS.start) * DAY..first_day(YEARS.end) * DAY).contains(&seconds);
    // A minute has 61 seconds at the end of a day in UTC, and nowhere else.
    if !is_known || (second == 60 && seconds % DAY != 0) {
        return None;
    }
    let since_1970 = seconds - first_day(1970) * DAY;
    let distance = Duration::from_secs(since_1970.unsigned_abs());
    let whole = match since_1970 {
        0.. => SystemTime::UNIX_EPOCH.checked_add(distance),
        _ => SystemTime::UNIX_EPOCH.checked_sub(distance),
    };
    whole?.checked_add(Duration::from_nanos(nanos))
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// One of a few characters.
    fn one_of(&mut self, known: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        known.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    fn digit(&mut self) -> Option<i64> {
        let (&first, rest) = self.0.split_first()?;
        let digit = first.is_ascii_digit().then(|| i64::from(first - b'0'))?;
        self.0 = rest;
        Some(digit)
    }

    fn number(&mut self, digits: u32) -> Option<i64> {
        (0..digits).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    fn after(&mut self, separator: &[u8], digits: u32) -> Option<i64> {
        self.one_of(separator)?;
        self.number(digits)
    }

    /// Nanoseconds; 0 where there is no fraction.
    fn fraction(&mut self) -> Option<u64> {
        if self.one_of(b".").is_none() {
            return Some(0);
        }
        let (mut nanos, mut worth) = (0, 100_000_000);
        let mut digit = Some(self.digit()?);
        while let Some(value) = digit {
            nanos += value * worth;
            worth /= 10;
            digit = self.digit();
        }
        u64::try_from(nanos).ok()
    }

    /// Seconds to the east of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        let (hours, minutes) = (self.number(2)?, self.after(b":", 2)?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
    }
}

/// How many days are between the first day of the year 0 and that of another year.
const fn first_day(year: i64) -> i64 {
    // Rounded up, since the year 0 is a leap year.
    year * 365 + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400
}

const fn month_len(year: i64, month: i64) -> i64 {
    match month {
        2 => first_day(year + 1) - first_day(year) - 337,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// How many days are between the first day of a year and that of a month in it.
const fn first_of_month(year: i64, month: i64) -> i64 {
    match month {
        1 => 0,
        2 => 31,
        // From March on, five months in a row have 153 days.
        _ => 31 + month_len(year, 2) + ((month - 3) * 153 + 2) / 5,
    }
}

/// Year, month and day of a day since the first of the year 0.
fn date(day: i64) -> (i64, i64, i64) {
    let mut year = day / 366;
    while day >= first_day(year + 1) {
        year += 1;
    }
    let mut rest = day - first_day(year);
    let mut month = 1;
    while rest >= month_len(year, month) {
        rest -= month_len(year, month);
        month += 1;
    }
    (year, month, rest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_whole_calendar_is_read_as_it_was_written() {
        let mut time = read("1800-03-01T00:00:00Z").expect("a day");
        for _ in 0..=first_day(400) {
            let text = write(time).expect("a year of four digits");
            assert_eq!(read(&text), Some(time), "{text}");
            time += Duration::from_secs(DAY.unsigned_abs());
        }
        assert_eq!(write(time).as_deref(), Some("2200-03-02T00:00:00Z"), "the calendar repeats after 400 years");
    }
}
