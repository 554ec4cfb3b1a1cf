package schemas

func dexcomSchemas() []Schema { return nil }

func dexcomDocuments() documents {
	return documents{openAPIPath: object{{"openapi", "3.1.1"}}}
}
