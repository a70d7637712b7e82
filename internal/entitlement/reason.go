package entitlement

import "slices"

type reason struct{ category, code string }

// standardReasons are the codes of each category, in the order of
// developer.bango.info/categories-and-codes.
var standardReasons = map[string][]string{
	"CUSTOMER_CANCELLED": {
		"NOT_RENEWED", "CHANGED_SERVICE", "SUBSCRIPTION_CANCELLED", "ADDON_CANCELLED", "EXPIRED", "OTHER",
	},
	"REVOKED": {
		"ACCOUNT_TERMINATED", "SUSPEND_TERMINATED", "ERROR", "FRAUD", "IMMEDIATE_CANCELLATION", "OTHER",
	},
}

// oldReasons are the names of earlier documents and of integrators, with the
// standard pair that says the same.
var oldReasons = map[reason]reason{
	{"CUSTOMER_CANCELLED", "CUSTOMER_CANCELLED"}:      {"CUSTOMER_CANCELLED", "SUBSCRIPTION_CANCELLED"},
	{"CUSTOMER_CHANGED", "CUSTOMER_CANCELLED_BUNDLE"}: {"CUSTOMER_CANCELLED", "SUBSCRIPTION_CANCELLED"},
	{"CUSTOMER_CHANGED", "CUSTOMER_CANCELLED_ADDON"}:  {"CUSTOMER_CANCELLED", "ADDON_CANCELLED"},
	{"CUSTOMER_CHANGED", "CHANGED_SERVICE"}:           {"CUSTOMER_CANCELLED", "CHANGED_SERVICE"},
	{"REVOKED", "SUSPENDED_CANCEL"}:                   {"REVOKED", "SUSPEND_TERMINATED"},
	{"REVOKED", "ROLLBACK_ERROR"}:                     {"REVOKED", "ERROR"},
	{"REVOKED", "ROLLBACK_CONNECT_ERROR"}:             {"REVOKED", "ERROR"},
	{"REVOKED", "PRODUCT_NO_LONGER_AVAILABLE"}:        {"REVOKED", "OTHER"},
	{"REVOKED", "PARTNER_RETURN"}:                     {"REVOKED", "OTHER"},
	{"REVOKED", "CUSTOMER_RETURN"}:                    {"REVOKED", "OTHER"},
	{"ACTIVATION_ROLLBACK", "FRAUD"}:                  {"REVOKED", "FRAUD"},
	{"ACTIVATION_ROLLBACK", "FRAUD_CHECK"}:            {"REVOKED", "FRAUD"},
	{"ACTIVATION_ROLLBACK", "TEST_ENTITLEMENT"}:       {"REVOKED", "ERROR"},
	{"ACTIVATION_ROLLBACK", "CUSTOMER_PAYMENT_DEFAULT"}: {
		"REVOKED", "ERROR",
	},
	{"ACTIVATION_ROLLBACK", "MERCHANT_ACCOUNT_CHANGED"}: {"REVOKED", "ERROR"},
}

// StandardReason gives the standard pair for a reason category and code: the
// pair itself, or what an old name is called today. ok is false for a pair
// that is neither.
func StandardReason(category, code string) (standardCategory, standardCode string, ok bool) {
	given := reason{category, code}
	if slices.Contains(standardReasons[category], code) {
		return category, code, true
	}
	now, ok := oldReasons[given]
	return now.category, now.code, ok
}

// NormalizeReason puts the standard pair in the place of an old one. Other
// records stay as they are.
func NormalizeReason(r *Record) {
	if category, code, ok := StandardReason(r.ReasonCategory, r.ReasonCode); ok {
		r.ReasonCategory, r.ReasonCode = category, code
	}
}

func (v *violations) checkReason(r *Record) {
	if r.ReasonCategory == "" && r.ReasonCode == "" && r.ReasonDescription == "" {
		return
	}
	switch {
	case r.Status == Pending, r.Status == Active, r.Status == Suspended:
		v.forbidReason(r)
	case r.ReasonCategory == "" && r.ReasonCode == "":
	case r.ReasonCategory == "":
		v.required(FieldReasonCategory, " beside reasonCode")
	case r.ReasonCode == "":
		v.required(FieldReasonCode, " beside reasonCategory")
	default:
		v.checkReasonPair(r)
	}
}

func (v *violations) forbidReason(r *Record) {
	for _, f := range [...]struct{ field, value string }{
		{FieldReasonCategory, r.ReasonCategory},
		{FieldReasonCode, r.ReasonCode},
		{FieldReasonDescription, r.ReasonDescription},
	} {
		if f.value != "" {
			v.add(f.field, CodeForbidden, f.field+" is not allowed for status "+string(r.Status),
				"a reason belongs to ACTIVE-ENDING, CANCELLED and REVOKED")
		}
	}
}

func (v *violations) checkReasonPair(r *Record) {
	category, code, ok := StandardReason(r.ReasonCategory, r.ReasonCode)
	switch {
	case !ok:
		v.add(FieldReasonCode, CodeUnknownReason, "reasonCategory and reasonCode are not a standard pair",
			reasonHint(r.ReasonCategory, r.ReasonCode))
	case category != r.ReasonCategory || code != r.ReasonCode:
		v.warn(FieldReasonCode, CodeReasonMapped,
			"an old reason is sent as "+category+"/"+code,
			"write the present name to be rid of this warning")
	}
}
