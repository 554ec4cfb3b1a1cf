package schemas

func cliSchemas() []Schema { return nil }

func cliDocuments() documents { return nil }
