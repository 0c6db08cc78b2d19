package mapiitem

import (
	"math"
	"strconv"
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
	"waybill/format/mapiitem/recurrence"
)

// maxTaskSteps bounds the search for the current occurrence of a task's series.
const maxTaskSteps = 100000

// taskItem writes a component of kind VTODO of a task or a task request ([MS-OXOTASK] 2.2.2).
func (c *converter) taskItem() error {
	class := strings.ToUpper(c.item.Class)
	if strings.HasPrefix(class, "IPM.TASKREQUEST") {
		c.item.Mail = true
		c.item.Method = "REQUEST"
		if strings.HasSuffix(class, ".ACCEPT") || strings.HasSuffix(class, ".DECLINE") {
			c.item.Method = "REPLY"
		}
		c.taskInside()
	}
	p := c.p
	c.item.MediaType = typeCalendar + "VTODO"
	if c.item.Method != "" {
		c.item.MediaType += "; method=" + c.item.Method
	}
	c.beginCalendar("VTODO")
	if id := p.binary(p.common(lidTaskGlobalID)); len(id) == 16 {
		c.item.UID = contentline.Text(strings.ToUpper(hexText(id)))
		c.doc[len(c.doc)-2].Value = c.item.UID
	}
	start, due := c.taskDays()
	c.doc.AddText("SUMMARY", c.item.Title)
	c.say("Task", c.item.Title)
	rule, at := c.taskRule(start, due)
	if !at.IsZero() {
		start = at
	}
	if !start.IsZero() {
		when{wall: start, day: true}.add(&c.doc, "DTSTART")
	}
	if !due.IsZero() && !due.Before(start) {
		when{wall: due, day: true}.add(&c.doc, "DUE")
		c.say("Due", due.Format("2006-01-02"))
	}
	if rule != "" {
		c.doc.Add("RRULE", rule)
	}
	c.item.Date = due
	if due.IsZero() {
		c.item.Date = start
	}
	c.taskState()
	for _, f := range []struct {
		name string
		lid  uint32
	}{{"X-OUTLOOK-OWNER", lidTaskOwner}, {"X-OUTLOOK-DELEGATOR", lidTaskDelegator}, {"X-OUTLOOK-LAST-USER", lidTaskLastUser}, {"X-OUTLOOK-ROLE", lidTaskRole}} {
		c.doc.AddText(f.name, p.text(p.task(f.lid)))
	}
	for _, f := range []struct {
		name string
		lid  uint32
	}{{"X-OUTLOOK-ACTUAL-MINUTES", lidTaskActual}, {"X-OUTLOOK-ESTIMATED-MINUTES", lidTaskEstimated}} {
		if n, ok := p.int(p.task(f.lid)); ok && n > 0 {
			c.doc.Add(f.name, strconv.FormatInt(n, 10))
		}
	}
	list, _ := c.attendees(c.m)
	if len(list) > 0 {
		addPeople(&c.doc, c.organizer(p), list, false)
	}
	return c.finishCalendar("VTODO", func() {
		if t, ok := p.time(p.common(lidReminderTime)); ok && p.bool(p.common(lidReminderSet)) {
			c.doc.Begin("VALARM")
			c.doc.Add("ACTION", "DISPLAY")
			c.doc.Add("DESCRIPTION", "Reminder")
			c.doc.Add("TRIGGER", t.Format(formUTC), contentline.P("VALUE", "DATE-TIME"))
			c.doc.End("VALARM")
		}
	})
}

// taskInside makes the task that is attached to a task request the item
// ([MS-OXOTASK] 2.2.3.2); without one, the request's own properties serve.
func (c *converter) taskInside() {
	list, err := c.m.Attachments(c.ctx)
	for _, a := range list {
		if method, _ := a.Props().Int(mapi.AttachMethod); method != mapi.EmbeddedMessage {
			continue
		}
		m, merr := a.Message(c.ctx)
		if merr == nil && m != nil && KindOf(m.Props().Text(mapi.MessageClass)) == Task {
			c.m, c.p = m, watch(m.Props())
			c.p.skip(mapi.MessageClass)
			c.p.skip(searchKey)
			if title := oneLine(c.p.first(mapi.Subject, mapi.NormalizedSubject)); title != "" {
				c.item.Title = title
			}
			return
		}
	}
	c.note("task-missing", "The task request holds no task that can be read (%v); what the request itself says is carried.", err)
}

// taskDays are the start and due dates: days, stored as midnight UTC ([MS-OXOTASK]
// 2.2.2.2.4, 2.2.2.2.5), or by older versions as midnight of a time zone.
func (c *converter) taskDays() (start, due time.Time) {
	p := c.p
	day := func(own, common uint32) time.Time {
		shared, there := p.time(p.common(common))
		if t, ok := p.time(p.task(own)); ok {
			return nearestDay(t)
		}
		if there {
			return nearestDay(shared)
		}
		return time.Time{}
	}
	start, due = day(lidTaskStart, lidCommonStart), day(lidTaskDue, lidCommonEnd)
	if !start.IsZero() && !due.IsZero() && due.Before(start) {
		c.note("due-before-start", "The task is due on %s, before it starts; the start is left out.", due.Format("2006-01-02"))
		start = time.Time{}
	}
	return start, due
}

// taskState writes how far the task is ([MS-OXOTASK] 2.2.2.2.2, 2.2.2.2.3).
func (c *converter) taskState() {
	p := c.p
	status, _ := p.int(p.task(lidTaskStatus))
	complete := p.bool(p.task(lidTaskComplete)) || status == 2
	switch {
	case complete:
		c.doc.Add("STATUS", "COMPLETED")
	case status == 1:
		c.doc.Add("STATUS", "IN-PROCESS")
	default:
		c.doc.Add("STATUS", "NEEDS-ACTION")
	}
	switch status {
	case 3:
		c.doc.Add("X-OUTLOOK-STATUS", "WAITING")
	case 4:
		c.doc.Add("X-OUTLOOK-STATUS", "DEFERRED")
	}
	if v, ok := p.Get(p.task(lidTaskPercent)); ok && v.Type == mapi.TypeFloat64 {
		if f := math.Float64frombits(v.Bits); f >= 0 && f <= 1 {
			c.doc.Add("PERCENT-COMPLETE", strconv.Itoa(int(math.Round(f*100))))
		}
	}
	p.skip(p.task(lidTaskPercent))
	if t, ok := p.time(p.task(lidTaskCompleted)); ok && complete {
		c.doc.Add("COMPLETED", nearestDay(t).Format(formUTC))
	}
}

// taskRule says a task's recurrence, counted from its current occurrence, on
// which a task stands that was completed before; at is the day of it.
func (c *converter) taskRule(start, due time.Time) (rule string, at time.Time) {
	p := c.p
	blob := p.binary(p.task(lidTaskRecur))
	if len(blob) == 0 || !p.bool(p.task(lidTaskRecurring)) && p.bool(p.task(lidTaskDead)) {
		return "", time.Time{}
	}
	s, _, err := recurrence.DecodePattern(blob, c.o.Where)
	switch {
	case err != nil:
		c.note("recurrence-unreadable", "The pattern of the task cannot be read; it is carried as a single task: %v.", err)
		return "", time.Time{}
	case s.Lunar():
		c.note("recurrence-lunar", "The task follows a lunar calendar, for which iCalendar has no rule; it is carried as a single task.")
		return "", time.Time{}
	case s.Sliding:
		c.note("recurrence-sliding", "The task recurs a while after it is completed, for which iCalendar has no rule; it is carried as a single task.")
		return "", time.Time{}
	}
	var last time.Time
	n, from := 0, uint32(0)
	for d := range s.Dates() {
		if n++; n > maxTaskSteps {
			break
		}
		if at.IsZero() && (d.Equal(start) || start.IsZero() && d.Equal(due) || !start.IsZero() && d.Equal(due)) {
			at, from = d, uint32(n-1)
		}
		last = d
		if !at.IsZero() && (s.Endless() || s.End == recurrence.EndsAfter) {
			break
		}
	}
	if at.IsZero() {
		if n == 0 {
			c.note("recurrence-empty", "The pattern of the task has no occurrence; it is carried as a single task.")
			return "", time.Time{}
		}
		at, _ = s.FirstDate()
		c.note("recurrence-shifted", "Neither start nor due date of the task is a day of its pattern; it is counted from %s.", at.Format("2006-01-02"))
		if !due.IsZero() && due.Before(at) {
			at = due
		}
	}
	switch {
	case s.Endless():
		return s.Rule(), at
	case s.End == recurrence.EndsAfter && s.Count > from:
		return s.Rule() + ";COUNT=" + strconv.FormatUint(uint64(s.Count-from), 10), at
	default:
		return s.Rule() + ";UNTIL=" + last.Format(formDate), at
	}
}
