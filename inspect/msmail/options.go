package msmail

import (
	"fmt"
	"strconv"
	"time"

	"waybill/connector"
	"waybill/failure"
	"waybill/format/msmail"
)

// optionsOf takes those options of the source that matter for looking; the others
// may be there.
func optionsOf(loc connector.Location) (o msmail.Options, err error) {
	if err := loc.RejectOptions("zone", "codepage", "network", "postoffice", "domain", "seen", "orphans", "unproven"); err != nil {
		return o, err
	}
	o.Network, o.Postoffice = loc.Options.Get("network"), loc.Options.Get("postoffice")
	if zone := loc.Options.Get("zone"); zone != "" {
		if o.Zone, err = time.LoadLocation(zone); err != nil {
			return o, failure.New(failure.Usage, "open", loc.String(), "usage.zone", err).WithRemedy("name a zone as Europe/Berlin or UTC")
		}
	}
	if page := loc.Options.Get("codepage"); page != "" {
		if o.CodePage, err = strconv.Atoi(page); err != nil {
			return o, failure.New(failure.Usage, "open", loc.String(), "usage.codepage", fmt.Errorf("%.20q is no number of a code page", page)).
				WithRemedy("name a code page of MS-DOS: 437, 850, 852, 866, 932 ...")
		}
	}
	return o, nil
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
