package migrationfile

// text gives the end of the string that starts at i.
func (s *scanner) text(i int) (end int, escaped bool) {
	if s.at(i) != '"' {
		return -1, false
	}
	if len(s.quotes) > 0 {
		q := s.quotes[0]
		s.quotes = s.quotes[1:]
		if q&1 == 0 {
			return int(q>>1) + 1, false
		}
	}
	for i = plainRun(s.raw, i+1); s.at(i) == '\\'; i = plainRun(s.raw, i) {
		escaped = true
		if i = s.escape(i + 1); i < 0 {
			return -1, true
		}
	}
	if s.at(i) != '"' {
		return -1, escaped
	}
	return i + 1, escaped
}

// escape takes what follows a backslash.
func (s *scanner) escape(i int) int {
	switch s.at(i) {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
	default:
		return -1
	}
	r := s.unit(i + 1)
	switch {
	case r < 0 || r >= 0xdc00 && r < 0xe000:
		return -1
	case r < 0xd800 || r >= 0xe000:
		return i + 5
	}
	// Half a pair, so the other half must follow.
	if s.at(i+5) != '\\' || s.at(i+6) != 'u' {
		return -1
	}
	if low := s.unit(i + 7); low < 0xdc00 || low >= 0xe000 {
		return -1
	}
	return i + 11
}

// unit reads four hexadecimal digits.
func (s *scanner) unit(i int) int {
	r := 0
	for j := i; j < i+4; j++ {
		switch c := s.at(j); {
		case c >= '0' && c <= '9':
			r = r<<4 | int(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | int(c|0x20-'a'+10)
		default:
			return -1
		}
	}
	return r
}

func (s *scanner) word(i int, w string) int {
	if i+len(w) <= len(s.raw) && string(s.raw[i:i+len(w)]) == w {
		return i + len(w)
	}
	return -1
}

// number takes -?(0|[1-9]d*)(.d+)?([eE][+-]?d+)? with digits d. What follows
// it is the caller's to judge.
func (s *scanner) number(i int) int {
	if s.at(i) == '-' {
		i++
	}
	if s.at(i) == '0' {
		i++
	} else if i = s.digits(i); i < 0 {
		return -1
	}
	if s.at(i) == '.' {
		if i = s.digits(i + 1); i < 0 {
			return -1
		}
	}
	if s.at(i)|0x20 == 'e' {
		i++
		if c := s.at(i); c == '+' || c == '-' {
			i++
		}
		i = s.digits(i)
	}
	return i
}

// digits takes one or more.
func (s *scanner) digits(i int) int {
	start := i
	for c := s.at(i); c >= '0' && c <= '9'; c = s.at(i) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
