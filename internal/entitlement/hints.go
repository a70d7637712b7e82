package entitlement

import (
	"fmt"
	"slices"
	"strings"
)

// requiredHints say what belongs into a field that is missing. Fields that only
// a route requires have the hint of requiredByRoute.
var requiredHints = map[string]string{
	FieldExternalEntitlementID: "give your own id of the entitlement, unique in the file",
	FieldCustomerIdentifier:    "give your lasting id of the customer",
	FieldMerchantAccountKey:    "give the key of the route's merchant; 'ferry route NAME' prints it",
	FieldProductKey:            "give the key of a product of the route; 'ferry route NAME' prints them",
	FieldStatus:                "use PENDING, ACTIVE, ACTIVE-ENDING, SUSPENDED, CANCELLED or REVOKED",
	FieldDateCreated:           "give the moment at which it was created, such as 2024-05-31T09:30:00Z",
	FieldDateActivated:         "give the moment at which it became active; one that never did is PENDING",
	FieldDateSuspended:         "give the moment of the suspension that holds today; without one it is ACTIVE",
	FieldDateEnded:             "give the moment at which it ends or ended; one without an end is ACTIVE",
	FieldReasonCategory:        "give category and code together, or neither",
	FieldReasonCode:            "give category and code together, or neither",
}

const requiredByRoute = "the route wants it in every record; 'ferry route NAME' prints what it requires"

// futureHints say what a date ahead of now may mean.
var futureHints = map[string]string{
	FieldDateCreated:   "check year and zone; what isn't created yet can't be migrated",
	FieldDateActivated: "check year and zone; what isn't active yet is PENDING",
	FieldDateSuspended: "check year and zone; a suspension that is only planned is left out",
	FieldDateResumed:   "check year and zone; a resumption that is only planned is left out",
	FieldDateEnded:     "check year and zone; what is still to end is ACTIVE-ENDING",
	FieldDateExpiry:    "check year and zone; what is over expires no more: leave dateExpiry out",
}

// orderHint says what is odd about two dates of which the later event has the
// earlier date.
func orderHint(first, then string) string {
	odd := "it is suspended before it starts"
	switch {
	case then == FieldDateSuspended && first == FieldDateResumed:
		return "in a SUSPENDED record dateResumed belongs to an earlier suspension; if this one is over, the status is ACTIVE"
	case then == FieldDateResumed && first == FieldDateSuspended:
		return "the suspension is over before it begins; were the two dates swapped? one that holds today is status SUSPENDED"
	case then == FieldDateEnded && first == FieldDateSuspended:
		odd = "it ends before it is suspended"
	case then == FieldDateEnded:
		odd = "it ends before it starts"
	case then == FieldDateActivated:
		odd = "it is active before it is created"
	case then == FieldDateResumed:
		odd = "it is resumed before it starts"
	}
	return odd + "; were the two dates swapped, or is a zone wrong?"
}

// reasonHint names the pair that was probably meant, or else those there are.
func reasonHint(category, code string) string {
	if codes, known := standardReasons[category]; known {
		return choice(code, codes, "") + "; OTHER is for what fits no other code"
	}
	var pairs []string
	for c, codes := range standardReasons {
		for _, code := range codes {
			pairs = append(pairs, c+"/"+code)
		}
	}
	slices.Sort(pairs)
	if word, ok := Nearest(category+"/"+code, pairs); ok {
		return didYouMean(word)
	}
	return "reasonCategory is CUSTOMER_CANCELLED or REVOKED; OTHER is for what fits no other code"
}

// maxChoices are listed; of more, the number is told.
const maxChoices = 8

// choice names the known word that looks most like the given one, else the
// known words, else says what none means. What was given is not repeated.
func choice(given string, known []string, none string) string {
	if word, ok := Nearest(given, known); ok {
		return didYouMean(word)
	}
	switch n := len(known); {
	case n == 0:
		return none
	case n > maxChoices:
		return fmt.Sprintf("use one of %s or %d others", strings.Join(known[:maxChoices], ", "), n-maxChoices)
	case n == 1:
		return "use " + known[0]
	default:
		return "use one of " + strings.Join(known, ", ")
	}
}

func didYouMean(word string) string { return "did you mean " + word + "? case and spelling count" }
