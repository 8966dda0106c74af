"""What leaves a case: report, tables, HL7 FHIR, labels other programs read."""
