"""Printed documents (公文): an issue of a publication and a bulletin as HTML, DOCX and PDF. Data in, bytes out."""
