"""The napari plugin: docks and sample data over the core library `eii`."""
