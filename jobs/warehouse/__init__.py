"""The only readers and writers of tables: the catalog, the lake, and what becomes of a copied or an older warehouse."""
