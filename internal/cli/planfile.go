package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
)

// maxPlanBytes bounds a plan file.
const maxPlanBytes = 512 << 20

const planHeader = `# A waybill plan. Nothing has been changed yet. You may edit, for each user:
#   account   where the mailbox goes
#   action    create, existing or skip (conflict: decide, then write one of these)
# and for each folder:
#   target    its name in the target ("/" between levels; "\/" is a slash inside a name)
#   skip      true leaves the folder out
# Then run: waybill migrate THIS-FILE
`

// readPlan reads a plan file. Unknown keys and wrong types are errors with line
// and column, so that a typing mistake is not taken for "as before".
func readPlan(path string) (*engine.Plan, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, failure.New(failure.Usage, "read plan", path, "plan.open", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPlanBytes+1))
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "read plan", path, "plan.read", err)
	}
	if len(text) > maxPlanBytes { // one that is cut off would leave users out
		return nil, failure.New(failure.TooLarge, "read plan", path, "plan.too-large", fmt.Errorf("it has more than %d bytes", maxPlanBytes)).
			WithRemedy("split it by users, and run once with each part")
	}
	return parsePlan(path, text)
}

func parsePlan(path string, text []byte) (*engine.Plan, error) {
	var plan engine.Plan
	if err := yaml.UnmarshalWithOptions(text, &plan, yaml.Strict()); err != nil {
		return nil, failure.New(failure.Usage, "read plan", path, "plan.syntax", errors.New(yaml.FormatError(err, false, true))).
			WithRemedy("compare with a fresh one from: waybill plan")
	}
	if plan.Format != 1 {
		return nil, failure.New(failure.Usage, "read plan", path, "plan.format", fmt.Errorf("waybill-plan is %d, this program knows 1", plan.Format)).
			WithRemedy("write a new one with: waybill plan")
	}
	if len(plan.Users) == 0 {
		return nil, failure.New(failure.Usage, "read plan", path, "plan.no-users", errors.New("the plan names no user"))
	}
	seen := map[string]bool{}
	for _, u := range plan.Users {
		switch {
		case u.User == "" || u.Account == "":
			return nil, planFault(path, u, "user and account must not be empty")
		case seen[u.User]:
			return nil, planFault(path, u, "the user stands twice")
		}
		seen[u.User] = true
		switch u.Action {
		case directory.Create, directory.Existing, directory.Skip, directory.Collide:
		default:
			return nil, planFault(path, u, fmt.Sprintf("action %q is not create, existing, skip or conflict", u.Action))
		}
	}
	return &plan, nil
}

func planFault(path string, u engine.PlanUser, what string) error {
	return failure.New(failure.Usage, "read plan", fmt.Sprintf("%s user %q", path, u.User), "plan.user", errors.New(what))
}

// writePlan writes a plan file, whole or not at all.
func writePlan(path string, plan *engine.Plan) error {
	node, err := yaml.ValueToNode(plan, yaml.IndentSequence(true))
	if err != nil {
		return err
	}
	ast.Walk(quoter{}, node)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".waybill-plan-*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(planHeader + node.String() + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// quoter puts text into double quotes that would not be read as it was written:
// the names of users and folders are whatever somebody once typed.
type quoter struct{}

// Visit implements ast.Visitor.
func (quoter) Visit(node ast.Node) ast.Visitor {
	n, ok := node.(*ast.StringNode)
	if !ok {
		return quoter{}
	}
	text, quoted := n.Value, false
	if strings.HasPrefix(text, `"`) {
		if inner, err := strconv.Unquote(text); err == nil {
			text, quoted = inner, true
		}
	}
	if quoted || !plainText(text) {
		n.Value, n.Token.Type = text, token.DoubleQuoteType
	}
	return quoter{}
}

// plainText reports whether text needs no quotes, on the safe side.
func plainText(text string) bool {
	for i, r := range text {
		letter := unicode.IsLetter(r) && r < 0x2000
		if !letter && (i == 0 || !unicode.IsDigit(r) && !strings.ContainsRune(" _.,@/()+-", r) && !(r == ':' && !strings.HasSuffix(text, ":"))) {
			return false
		}
	}
	return text != "" && text == strings.TrimSpace(text) && !strings.Contains(text, ": ")
}
