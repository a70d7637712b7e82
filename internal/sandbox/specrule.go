package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// addRule reads a rule from a word's value, such as "403:call=create:html".
func (f *Faults) addRule(name, value string) error {
	head, rest, _ := strings.Cut(value, ":")
	if head == "" {
		return errors.New("it needs a value")
	}
	switch name {
	case "forbid":
		if value != head {
			return errors.New("text with a colon goes through PATCH /_sandbox/faults only")
		}
		f.Refuse = append(f.Refuse, RefuseRule{Match: Match{Body: value}, Status: http.StatusForbidden, HTML: true})
	case "refuse":
		var rule RefuseRule
		var err error
		if rule.Status, err = strconv.Atoi(head); err != nil {
			return err
		}
		f.Refuse = append(f.Refuse, rule)
		added := &f.Refuse[len(f.Refuse)-1]
		return added.read(rest, added.set)
	case "answer":
		f.WriteAnswers = append(f.WriteAnswers, WriteAnswer{As: AnswerKind(head)})
		added := &f.WriteAnswers[len(f.WriteAnswers)-1]
		return added.read(rest, func(name, _ string) bool {
			added.Instead = added.Instead || name == "instead"
			return name == "instead"
		})
	case "odd":
		f.OddItems = append(f.OddItems, OddItem{As: OddKind(head)})
		return f.OddItems[len(f.OddItems)-1].read(rest, func(string, string) bool { return false })
	}
	return nil
}

// read takes the words of a match; those that it doesn't know go to own.
func (m *Match) read(words string, own func(name, value string) bool) error {
	for word := range strings.SplitSeq(words, ":") {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "":
		case "call":
			m.Call = value
		case "id":
			m.ExternalID = value
		case "body":
			m.Body = value
		case "rate":
			m.Rate, err = strconv.ParseFloat(value, 64)
		case "times":
			m.Times, err = strconv.Atoi(value)
		default:
			if !own(name, value) {
				err = fmt.Errorf("there is no %q here", name)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *RefuseRule) set(name, value string) bool {
	switch name {
	case "html":
		r.HTML = true
	case "code":
		r.Code = value
	case "message":
		r.Message = value
	case "retry-after":
		r.RetryAfter = value
	case "location":
		r.Location = value
	default:
		return false
	}
	return true
}
