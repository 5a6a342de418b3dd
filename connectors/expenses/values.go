package expenses

import (
	"errors"
	"math/big"
	"strings"
	"time"
	"unicode"
)

var (
	errAmount   = errors.New("its amount is no number")
	errEither   = errors.New("its amount can be read in two ways: set decimal")
	errDate     = errors.New("its date is none")
	errDayMonth = errors.New("its date can be read in two ways: set day_first or date_format")
	errNotYet   = errors.New("its date has not come yet")
	errNoAmount = errors.New("it has no amount")
)

// longestValue is longer than any amount or date.
const longestValue = 64

// amountOf reads an amount, with the currency that stands in it, if one does:
// 1.234,56, (12.00), -12, 12.00-, € 20, 1'234.50.
func amountOf(text, decimal string) (amount *big.Rat, currency string, err error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, "", errNoAmount
	}
	if len(text) > longestValue {
		return nil, "", errAmount
	}
	minus, closed := false, false
	var digits strings.Builder
	for _, r := range strings.ToUpper(text) {
		switch {
		case r >= '0' && r <= '9' || r == '.' || r == ',':
			if closed { // 12-34 is a range or a date
				return nil, "", errAmount
			}
			digits.WriteRune(r)
		case r == '-' || r == '−':
			minus, closed = true, closed || digits.Len() > 0
		case r == '(':
			minus = true
		case r == '€':
			currency = "EUR"
		case r == '£':
			currency = "GBP"
		case unicode.IsLetter(r):
			currency, closed = currency+string(r), closed || digits.Len() > 0
		case !unicode.IsSpace(r) && !unicode.Is(unicode.Sc, r) && !strings.ContainsRune(")+'’*", r):
			return nil, "", errAmount
		}
	}
	plain, err := plainNumber(digits.String(), decimal)
	if err != nil {
		return nil, "", err
	}
	amount, ok := new(big.Rat).SetString(plain)
	if !ok {
		return nil, "", errAmount
	}
	if minus || currency == "CR" { // a credit
		amount.Neg(amount)
	}
	if len(currency) != 3 {
		currency = ""
	}
	return amount, currency, nil
}

// plainNumber takes separators of thousands out and makes the decimal mark a
// point.
func plainNumber(s, decimal string) (string, error) {
	point, comma := strings.LastIndexByte(s, '.'), strings.LastIndexByte(s, ',')
	if decimal == auto {
		switch {
		case point >= 0 && comma >= 0:
			decimal = string(s[max(point, comma)])
		case strings.Count(s, ".") > 1:
			decimal = ","
		case strings.Count(s, ",") > 1:
			decimal = "."
		case point < 0 && comma < 0:
			decimal = "."
		default:
			at := max(point, comma)
			if at > 0 && len(s)-at-1 == 3 && s[:at] != "0" {
				return "", errEither
			}
			decimal = string(s[at])
		}
	}
	other := map[string]string{".": ",", ",": "."}[decimal]
	s = strings.ReplaceAll(s, other, "")
	if strings.Count(s, decimal) > 1 || s == "" || s == decimal {
		return "", errAmount
	}
	s = strings.Replace(s, decimal, ".", 1)
	return strings.TrimSuffix(s, "."), nil
}

// dateOf reads a day.
func (c *config) dateOf(text string, now time.Time) (time.Time, error) {
	at, err := c.day(strings.TrimSpace(text))
	if err != nil {
		return at, err
	}
	at = time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	if at.Year() < 1990 {
		return at, errDate
	}
	if at.After(now) {
		return at, errNotYet
	}
	return at, nil
}

func (c *config) day(text string) (time.Time, error) {
	if text == "" || len(text) > longestValue {
		return time.Time{}, errDate
	}
	if c.layout != "" {
		at, err := time.Parse(c.layout, text)
		if err != nil {
			return at, errDate
		}
		return at, nil
	}
	for _, layout := range []string{"2006-01-02", time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "20060102", "2006/01/02", "2.1.2006", "2.1.06",
		"2.1.2006 15:04", "2.1.2006 15:04:05", "2-Jan-2006", "2 Jan 2006", "2 January 2006", "Jan 2, 2006", "January 2, 2006", "02-Jan-06"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return c.slashed(text)
}

// slashed reads a day such as 3/4/2026, if it is known which is which.
func (c *config) slashed(text string) (time.Time, error) {
	date, _, _ := strings.Cut(text, " ")
	date = strings.ReplaceAll(date, "-", "/")
	read := func(layouts ...string) (time.Time, bool) {
		for _, l := range layouts {
			if at, err := time.Parse(l, date); err == nil {
				return at, true
			}
		}
		return time.Time{}, false
	}
	dayFirst, okDay := read("2/1/2006", "2/1/06")
	monthFirst, okMonth := read("1/2/2006", "1/2/06")
	switch {
	case !okDay && !okMonth:
		return time.Time{}, errDate
	case c.DayFirst != nil && *c.DayFirst:
		if okDay {
			return dayFirst, nil
		}
		return time.Time{}, errDate
	case c.DayFirst != nil:
		if okMonth {
			return monthFirst, nil
		}
		return time.Time{}, errDate
	case okDay && okMonth && !dayFirst.Equal(monthFirst):
		return time.Time{}, errDayMonth
	case okDay:
		return dayFirst, nil
	}
	return monthFirst, nil
}
