package config

import (
	"reflect"
	"strings"

	"github.com/spf13/pflag"
)

// key is one configuration key with its default.
type key struct {
	name  string // such as target.base_url
	value any
}

// keys lists every key in the order of the struct.
func keys() []key {
	return appendKeys(nil, "", reflect.ValueOf(Default()))
}

func appendKeys(ks []key, prefix string, v reflect.Value) []key {
	for i := range v.NumField() {
		name := prefix + v.Type().Field(i).Tag.Get("mapstructure")
		if field := v.Field(i); field.Kind() == reflect.Struct {
			ks = appendKeys(ks, name+".", field)
		} else {
			ks = append(ks, key{name: name, value: field.Interface()})
		}
	}
	return ks
}

// env is the environment variable of a key.
func (k key) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

// flag is the command-line flag of a key.
func (k key) flag() string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(k.name)
}

func (k key) secret() bool {
	_, is := k.value.(Secret)
	return is
}

// AddFlags gives a flag to every key under one of the prefixes, such as
// "temporal." or "log."; no prefix means all. target.base_url becomes
// --target-base-url. Secrets get none: other users of a machine can read a
// command line.
func AddFlags(flags *pflag.FlagSet, prefixes ...string) {
	for _, k := range keys() {
		if k.secret() || !hasPrefix(k.name, prefixes) {
			continue
		}
		addFlag(flags, k)
	}
}

func hasPrefix(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return len(prefixes) == 0
}

func addFlag(flags *pflag.FlagSet, k key) {
	usage := "overrides " + k.name
	if reflect.TypeOf(k.value).Kind() == reflect.Bool {
		flags.Bool(k.flag(), k.value.(bool), usage)
		return
	}
	flags.String(k.flag(), text(k.value), usage)
}
