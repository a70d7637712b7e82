package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/f0a90b9a/ferry/internal/entitlement"
)

// Route writes a route's rules.
func Route(w io.Writer, r entitlement.Route) {
	table(w, func(t io.Writer) {
		fmt.Fprintf(t, "route\t%s\n", orDash(r.Route))
		fmt.Fprintf(t, "reseller\t%s\n", orDash(r.Reseller))
		fmt.Fprintf(t, "merchantAccountKey\t%s\n", orDash(r.MerchantAccountKey))
		fmt.Fprintf(t, "statuses\t%s\n", join(r.Statuses))
		fmt.Fprintf(t, "actions\t%s\n", join(r.Actions))
		fmt.Fprintf(t, "entitlements per customer\t%s\n", perCustomer(r.EntitlementsPerCustomer))
		fmt.Fprintf(t, "required fields\t%s\n", join(r.RequiredFields))
	})
	fmt.Fprintln(w)
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "productKey\tofferKeys")
		for _, p := range r.Products {
			fmt.Fprintf(t, "  %s\t%s\n", Plain(p.ProductKey), join(p.OfferKeys))
		}
	})
}

func perCustomer(n int) string {
	if n == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d living", n)
}

func join[S ~string](words []S) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = Plain(string(word))
	}
	return orDash(strings.Join(texts, ", "))
}
