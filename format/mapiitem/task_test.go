package mapiitem

import (
	"slices"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/format/mapiitem/recurrence"
)

func taskName(n uint32) mapi.Name { return lid(mapi.SetTask, n) }

func TestTasks(t *testing.T) {
	daily := blob{frequency: 0x200A, kind: 0, period: 1440, end: 0x2022, count: 5, start: minutes("2024-07-01T00:00"), until: minutes("2024-07-05T00:00")}
	sliding := daily.pattern()
	sliding[18] = 1
	monthly := blob{frequency: 0x200C, kind: 2, period: 1, specific: []uint32{31}, end: 0x2023, start: minutes("2024-01-31T00:00"), until: recurrence.Minutes(0x5AE980DF)}
	files := map[string][]byte{}
	for name, c := range map[string]struct {
		pairs []any
		want  []string
		kinds []string
	}{
		"plain": {[]any{taskName(lidTaskStart), at("2024-07-01T00:00"), taskName(lidTaskDue), at("2024-07-03T00:00"), taskName(lidTaskStatus), 1, taskName(lidTaskPercent), 0.5,
			taskName(lidTaskOwner), "Anna", importance, 0, comm(lidReminderSet), true, comm(lidReminderTime), at("2024-07-02T06:00"), taskName(lidTaskEstimated), 90},
			[]string{"DTSTART;VALUE=DATE:20240701", "DUE;VALUE=DATE:20240703", "STATUS:IN-PROCESS", "PERCENT-COMPLETE:50", "PRIORITY:9",
				"TRIGGER;VALUE=DATE-TIME:20240702T060000Z", "X-OUTLOOK-OWNER:Anna", "X-OUTLOOK-ESTIMATED-MINUTES:90"}, nil},
		"done":      {[]any{taskName(lidTaskComplete), true, taskName(lidTaskCompleted), at("2024-07-03T00:00"), taskName(lidTaskPercent), 1.0}, []string{"STATUS:COMPLETED", "COMPLETED:20240703T000000Z", "PERCENT-COMPLETE:100"}, nil},
		"waiting":   {[]any{taskName(lidTaskStatus), 3}, []string{"STATUS:NEEDS-ACTION", "X-OUTLOOK-STATUS:WAITING"}, nil},
		"old zone":  {[]any{taskName(lidTaskDue), at("2024-06-30T22:00")}, []string{"DUE;VALUE=DATE:20240701"}, nil},
		"backwards": {[]any{taskName(lidTaskStart), at("2024-07-05T00:00"), taskName(lidTaskDue), at("2024-07-03T00:00")}, []string{"DUE;VALUE=DATE:20240703"}, []string{"due-before-start"}},
		"series": {[]any{taskName(lidTaskDue), at("2024-07-01T00:00"), taskName(lidTaskRecur), daily.pattern(), taskName(lidTaskRecurring), true},
			[]string{"DTSTART;VALUE=DATE:20240701", "RRULE:FREQ=DAILY;COUNT=5"}, nil},
		"series, begun": {[]any{taskName(lidTaskDue), at("2024-07-03T00:00"), taskName(lidTaskRecur), daily.pattern(), taskName(lidTaskRecurring), true},
			[]string{"DTSTART;VALUE=DATE:20240703", "RRULE:FREQ=DAILY;COUNT=3"}, nil},
		"series without end": {[]any{taskName(lidTaskDue), at("2024-02-29T00:00"), taskName(lidTaskRecur), monthly.pattern(), taskName(lidTaskRecurring), true},
			[]string{"DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1\r\n"}, nil},
		"out of step": {[]any{taskName(lidTaskDue), at("2024-09-09T00:00"), taskName(lidTaskRecur), daily.pattern(), taskName(lidTaskRecurring), true},
			[]string{"DTSTART;VALUE=DATE:20240701", "DUE;VALUE=DATE:20240909", "COUNT=5"}, []string{"recurrence-shifted"}},
		"sliding": {[]any{taskName(lidTaskDue), at("2024-07-01T00:00"), taskName(lidTaskRecur), sliding, taskName(lidTaskRecurring), true}, []string{"DUE;VALUE=DATE:20240701"}, []string{"recurrence-sliding"}},
		"damaged": {[]any{taskName(lidTaskRecur), []byte{1}, taskName(lidTaskRecurring), true}, []string{"BEGIN:VTODO"}, []string{"recurrence-unreadable"}},
	} {
		t.Run(name, func(t *testing.T) {
			i, text := convert(t, newMaker().item("IPM.Task", append([]any{mapi.Subject, "Steuer"}, c.pairs...)...), Options{})
			for _, want := range append(c.want, "SUMMARY:Steuer") {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if kinds := noteKinds(i); !slices.Equal(kinds, c.kinds) || i.Kind != Task {
				t.Errorf("%v: notes %v", i.Kind, i.Notes)
			}
			files[strings.ReplaceAll(name, " ", "-")+".ics"] = []byte(text)
		})
	}
	expectReadable(t, files)
}

func TestTaskRequest(t *testing.T) {
	k := newMaker()
	m := k.item("IPM.TaskRequest", mapi.Subject, "Task Request: Steuer")
	m.attachments = []mapi.Attachment{&fakeAttachment{props: k.props(mapi.AttachMethod, mapi.EmbeddedMessage),
		message: k.item("IPM.Task", mapi.Subject, "Steuer", taskName(lidTaskDue), at("2024-07-03T00:00"))}}
	i, text := convert(t, m, Options{})
	if !i.Mail || i.Method != "REQUEST" || !strings.Contains(text, "DUE;VALUE=DATE:20240703") || !strings.Contains(text, "SUMMARY:Steuer\r\n") || len(i.Notes) != 0 {
		t.Errorf("%+v\n%s", i, text)
	}
	m.attachments = nil
	if i, _ := convert(t, m, Options{}); !slices.Equal(noteKinds(i), []string{"task-missing"}) {
		t.Error(i.Notes)
	}
}

func TestNotesAndJournal(t *testing.T) {
	k := newMaker()
	i, note := convert(t, k.item("IPM.StickyNote", mapi.Subject, "Milch", mapi.Body, "Milch\r\nBrot", lid(mapi.SetNote, lidNoteColor), 3, lid(mapi.SetNote, lidNoteWidth), 200), Options{})
	if i.Kind != Note || !strings.Contains(note, "COLOR:yellow\r\n") || !strings.Contains(note, `DESCRIPTION:Milch\nBrot`) || len(i.Notes) != 0 {
		t.Errorf("%v %v\n%s", i.Kind, i.Notes, note)
	}
	j, journal := convert(t, k.item("IPM.Activity", mapi.Subject, "Anruf", lid(mapi.SetLog, lidLogStart), at("2024-07-01T08:00"), lid(mapi.SetLog, lidLogDuration), 15,
		lid(mapi.SetLog, lidLogEnd), at("2024-07-01T08:15"), lid(mapi.SetLog, lidLogType), "Phone call"), Options{})
	for _, want := range []string{"DTSTART:20240701T080000Z", "X-OUTLOOK-END:20240701T081500Z", "X-OUTLOOK-DURATION:PT15M", "X-OUTLOOK-JOURNAL-TYPE:Phone call"} {
		if !strings.Contains(journal, want) || j.Kind != Journal {
			t.Errorf("no %q in\n%s", want, journal)
		}
	}
	expectReadable(t, map[string][]byte{"note.ics": []byte(note), "journal.ics": []byte(journal)})
}
