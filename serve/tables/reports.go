package tables

func (t *Tables) registerReports() {}
