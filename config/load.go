package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Options say where a configuration comes from besides its defaults.
type Options struct {
	File  string         // a YAML file; empty: what FERRY_CONFIG names, if anything
	Flags *pflag.FlagSet // with the flags that AddFlags made; may be nil
	Env   []string       // as os.Environ gives it; nil: the process's own
}

// Load puts a configuration together: defaults, then the file, then FERRY_*
// variables, then flags that were set. Secrets named by a *_file key are read.
// The error names every key that is unknown or can't be read; Validate judges
// the values.
func Load(o Options) (*Config, error) {
	env := o.Env
	if env == nil {
		env = os.Environ()
	}
	vars, problems := readEnv(env)
	v := viper.New()
	for _, k := range keys() {
		v.SetDefault(k.name, k.value)
	}
	file := o.File
	if file == "" {
		file = vars.file
	}
	if file != "" {
		if err := readFile(v, file); err != nil {
			return nil, err
		}
		problems = append(problems, unknownKeys(v, file)...)
	}
	for name, value := range vars.values {
		if err := v.MergeConfigMap(nested(name, value)); err != nil {
			return nil, fmt.Errorf("environment: %w", err)
		}
	}
	bindFlags(v, o.Flags)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return decode(v)
}

func readFile(v *viper.Viper, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("configuration file: %w (check --config and %s)", err, envConfig)
	}
	defer f.Close()
	v.SetConfigType("yaml")
	if err := v.ReadConfig(f); err != nil {
		return fmt.Errorf("configuration file %s: %w", file, err)
	}
	return nil
}

func bindFlags(v *viper.Viper, flags *pflag.FlagSet) {
	if flags == nil {
		return
	}
	for _, k := range keys() {
		if f := flags.Lookup(k.flag()); f != nil && f.Changed {
			v.Set(k.name, f.Value.String())
		}
	}
}

func decode(v *viper.Viper) (*Config, error) {
	var c Config
	hook := viper.DecodeHook(mapstructure.ComposeDecodeHookFunc(
		refuseLoss,
		mapstructure.StringToTimeDurationHookFunc(),
	))
	if err := v.UnmarshalExact(&c, hook); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := c.readSecrets(); err != nil {
		return nil, err
	}
	return &c, nil
}

var durationType = reflect.TypeFor[time.Duration]()

// refuseLoss stops the decoder from reading "30" as 30 nanoseconds and 1.5 as
// 1: it is lenient so that numbers may come as text from the environment.
func refuseLoss(from, to reflect.Type, value any) (any, error) {
	if to == durationType && from != durationType && from.Kind() != reflect.String {
		return nil, fmt.Errorf("%v has no unit (write it like 30s or 15m)", value)
	}
	if f, ok := value.(float64); ok && to.Kind() == reflect.Int && f != float64(int(f)) {
		return nil, fmt.Errorf("%v is not a whole number", value)
	}
	return value, nil
}

// readSecrets replaces each *_file by what the file holds.
func (c *Config) readSecrets() error {
	return errors.Join(
		readSecret("target.password", &c.Target.Password, c.Target.PasswordFile),
		readSecret("s3.secret_access_key", &c.S3.SecretAccessKey, c.S3.SecretAccessKeyFile),
		readSecret("notify.url", &c.Notify.URL, c.Notify.URLFile),
		readSecret("notify.secret", &c.Notify.Secret, c.Notify.SecretFile),
	)
}

func readSecret(name string, into *Secret, file string) error {
	if file == "" {
		return nil
	}
	if *into != "" {
		return fmt.Errorf("%s and %s_file are both set (keep one)", name, name)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%s_file: %w", name, err)
	}
	*into = Secret(strings.TrimRight(string(b), "\r\n"))
	if *into == "" {
		return fmt.Errorf("%s_file: %s is empty", name, file)
	}
	return nil
}
