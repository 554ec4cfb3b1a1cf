package schemas

func lakeSchemas() []Schema { return nil }

func lakeDocuments() documents { return nil }
